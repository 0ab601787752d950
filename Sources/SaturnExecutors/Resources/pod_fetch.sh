# Runs beside a task's keeper, for a saturn that listens: what there is of the log, and then the results.
# Arguments: bytes of the log and of the archive that are there already, yes when the task is over and cannot say so;
# or: put, for what is to come first, an archive on stdin.
place=${0%/*}
if [ "$1" = put ]; then
    tar -xf - -C "$place" && : > "$place/go"
    exit
fi
sent=$1 packed=$2 over=$3 quiet=0 told=
if [ "$over" = yes ]; then : > "$place/over"; fi
if [ ! -e "$place/go" ]; then printf 'wants\n'; fi
while :; do
    last=
    if [ -e "$place/exit" ] || [ "$over" = yes ]; then last=yes; fi
    if [ -z "$told" ] && [ -e "$place/started" ]; then
        told=started
        read -r now _ < /proc/uptime
        read -r time since < "$place/started"
        printf 'started %s %s %s\n' "$time" "$since" "$now"
    fi
    size=0
    if [ -e "$place/log" ]; then size=$(($(wc -c < "$place/log"))); fi
    if [ "$size" -gt "$sent" ]; then
        printf 'log %s\n' "$((size - sent))"
        tail -c "+$((sent + 1))" "$place/log" | head -c "$((size - sent))"
        sent=$size quiet=0
    elif [ -n "$last" ]; then
        break
    elif [ "$quiet" -ge 30 ]; then
        printf 'beat\n' || exit
        quiet=0
    else
        quiet=$((quiet + 1))
    fi
    if [ -z "$last" ]; then sleep 0.3 2> /dev/null || sleep 1; fi
done
if [ -e "$place/exit" ]; then
    printf 'exit '
    cat "$place/exit"
else
    printf 'exit -\n'
fi
if [ ! -d "$place/results" ]; then
    printf 'unkept\n'
    : > "$place/fetched"
    exit
fi
printf 'results\n'
{ tar -cf - -C "$place/results" . 2> "$place/tar.words"; echo "$?" > "$place/tar.code"; } | tail -c "+$((packed + 1))"
code=$(cat "$place/tar.code")
if [ "$code" = 0 ]; then : > "$place/fetched"; else cat "$place/tar.words" >&2; fi
exit "$code"
