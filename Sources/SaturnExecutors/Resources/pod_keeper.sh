# The first process of the container beside a task's: keeps log and results until they are fetched, or for some time.
# Arguments: folder, seconds, the script that fetches.
place=$1 patience=$2
asked=
trap 'asked=yes' TERM
mkdir -p "$place/results"
printf '%s\n' "$3" > "$place/fetch.new" && mv "$place/fetch.new" "$place/fetch"
waited=0
while [ "$waited" -lt "$patience" ]; do
    # Asked to go with a result that nobody has: as long as it may.
    if [ -n "$asked" ] && { [ -e "$place/fetched" ] || [ ! -e "$place/started" ]; }; then
        # On a claim it would stay.
        rm -rf "${place:?}"/*
        exit 0
    fi
    sleep 2 &
    wait "$!"
    if [ -e "$place/exit" ] || [ -e "$place/over" ]; then waited=$((waited + 2)); fi
done
