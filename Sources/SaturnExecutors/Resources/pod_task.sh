# The first process of a task's container: runs the command, and says beside it how it went.
# Arguments: folder, timeout in seconds or 0, yes when something is to come first, the working folder on the machine that
# the run comes from or in what comes, the same below the image's own, the command.
# Any POSIX shell; its processes are all that there is in the container, so what is sent to -1 is sent to the task.
place=$1 timeout=$2 waits=$3 workdir=$4 below=$5
shift 5

say() {
    printf '%s\n' "$2" > "$place/$1.new" && mv "$place/$1.new" "$place/$1"
}

finish() { # code, why it could not be started
    kill -s KILL -- -1 2> /dev/null
    read -r uptime _ < /proc/uptime
    say exit "$1 $uptime ${ended:--} ${2:--}"
    # A Job takes 0 for a success.
    if [ "$ended" = asked ] && [ "$1" = 0 ]; then exit 143; fi
    exit "$1"
}

if [ "$$" != 1 ]; then
    # What it sends to all would reach others.
    say exit "126 0 - namespace"
    exit 126
fi
trap 'exit 143' TERM
while [ "$waits" = yes ] && [ ! -e "$place/go" ]; do
    sleep 0.2 2> /dev/null || sleep 1
done
ended= asks=0 code=
trap 'asks=$((asks + 1)) ended=asked; kill -s TERM -- -1 2> /dev/null' TERM
mkdir -p "$place/results" "$place/checkpoint"
: >> "$place/log"
if [ -d "$workdir" ]; then below=$workdir; fi
if [ -n "$below" ] && ! cd "$below" 2> /dev/null; then finish 126 "folder $below"; fi
case $1 in
*/*)
    [ -e "$1" ] || finish 127 "missing $1"
    [ -x "$1" ] && [ ! -d "$1" ] || finish 126 "denied $1"
    ;;
*) command -v -- "$1" > /dev/null || finish 127 "missing $1" ;;
esac

[ -z "$ended" ] || finish 143
read -r uptime _ < /proc/uptime
say started "$(date +%s) $uptime"
exec "$@" < /dev/null >> "$place/log" 2>&1 &
child=$!
if [ -n "$ended" ]; then kill -s TERM -- -1 2> /dev/null; fi
if [ "$timeout" != 0 ]; then
    (
        trap '' TERM
        sleep "$timeout"
        : > "$place/timeout"
        kill -s TERM -- -1
        sleep 5
        kill -s KILL -- -1
    ) > /dev/null 2>&1 &
fi
while :; do
    before=$asks last=$code
    wait "$child"
    code=$?
    # What a signal has interrupted is asked again; a signal may also have come just after the end.
    [ "$asks" != "$before" ] || break
done
trap '' TERM
if [ "$code" = 127 ] && [ -n "$last" ]; then code=$last; fi
if [ -e "$place/timeout" ]; then ended=timeout; fi
finish "$code"
