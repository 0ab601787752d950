#!/bin/sh
# Builds the servers of the Kubernetes that the tests run, from Debian's source package, once per machine: Debian has no
# binary package of them. About 8 minutes on two idle cores; 359 MB stay in the folder of this version.
set -eu

version=1.20.2
package=kubernetes=1.20.5+really1.20.2-1.1+deb12u1
commands="kube-apiserver kube-controller-manager kube-scheduler kubelet"
folder="${SATURN_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/saturn-tests}/kubernetes-$version"

missing=
for command in $commands; do test -x "$folder/$command" || missing=yes; done
if [ -z "$missing" ]; then
    echo "Kubernetes $version is in $folder"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# The sources that this machine has for Debian, as ones of source packages; its own lists stay as they are.
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mkdir -p "$work/sources" "$work/lists/partial"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    if grep -qs "debian.*\b$codename\b\|^Suites:.*\b$codename\b" "$file"; then
        sed -e 's/^deb /deb-src /' -e 's/^Types:.*/Types: deb-src/' "$file" > "$work/sources/$(basename "$file")"
    fi
done
apt() {
    apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/sources" \
        -o Dir::State::Lists="$work/lists" -o APT::Sandbox::User=root "$@"
}
apt update
(cd "$work" && apt source --download-only "$package" && tar xzf ./*.orig.tar.gz)

cd "$work/kubernetes-$version"
cat > ver.sh <<END
KUBE_GIT_COMMIT='debian'
KUBE_GIT_TREE_STATE='archive'
KUBE_GIT_VERSION='v$version'
KUBE_GIT_MAJOR='1'
KUBE_GIT_MINOR='20'
END
what=
for command in $commands; do what="$what cmd/$command"; done
PATH=/usr/lib/go-1.19/bin:$PATH HOME=$work GOFLAGS=-mod=vendor KUBE_GIT_VERSION_FILE=ver.sh \
    make all GOLDFLAGS="-s -w" WHAT="${what# }"

# All of them or none.
mkdir -p "$(dirname "$folder")"
new=$(mktemp -d "$folder.XXXXXX")
for command in $commands; do cp "_output/local/bin/linux/$(dpkg --print-architecture)/$command" "$new/"; done
chmod 755 "$new"
rm -rf "$folder"
mv "$new" "$folder"
echo "Kubernetes $version is in $folder"
