#!/bin/sh
# Thirty events of the demo's vendors, triaged with the keyboard alone: 22 benign or duplicate, five that need a look, two that need a
# note, and a real one. The keys are counted by the program's own meter. Needs tmux.
# Usage: tests/triage.sh [path of the binary [folder for the hand-over report and the exports of the case]]
set -eu
binary=${1:-target/debug/nightdesk}
kept=${2:-}
home=$(mktemp -d)
socket=nightdesk-triage-$$
nightdesk() { "$binary" --config-dir "$home/config" --data-dir "$home/data" "$@"; }
show() { tmux -L "$socket" capture-pane -p; }
finish() {
    tmux -L "$socket" kill-server 2>/dev/null || true
    kill "$simulators" 2>/dev/null || true
    rm -rf "$home"
}
trap finish EXIT
fail() {
    echo "$1" >&2
    show >&2
    exit 1
}
until_shown() {
    for _ in $(seq 200); do
        if show | grep -Eq -e "$1"; then return 0; fi
        sleep 0.1
    done
    fail "never shown: $1"
}
until_gone() {
    for _ in $(seq 200); do
        if ! show | grep -Eq -e "$1"; then return 0; fi
        sleep 0.1
    done
    fail "still shown: $1"
}
# The screen when it no longer changes.
settled() {
    last=
    for _ in $(seq 100); do
        now=$(show)
        if [ "$now" = "$last" ]; then return 0; fi
        last=$now
        sleep 0.15
    done
}
keys() {
    tmux -L "$socket" send-keys "$@"
    settled
}
text() {
    tmux -L "$socket" send-keys -l "$1"
    settled
}
# Ids of the newest events that a query finds: query, how many.
ids() { nightdesk events "$1" --limit "$2" --output json | sed -n 's/^{"id":\([0-9]*\),.*/\1/p'; }

"$binary" sim --seed 7 --write-config "$home/config" > "$home/ready" &
simulators=$!
for _ in $(seq 100); do grep -q ready "$home/ready" && break; sleep 0.1; done
nightdesk fetch > /dev/null
nightdesk case create 'The shift' > /dev/null
mix() {
    chosen=$(ids "$2" "$1")
    [ "$(echo "$chosen" | wc -l)" = "$1" ] || { echo "the demo has too few events for: $2" >&2; exit 1; }
    # shellcheck disable=SC2086
    nightdesk case add case-1 $chosen > /dev/null
}
mix 12 'vendor:eset title:"Blocked by the phishing list"'
mix 8 'vendor:wiz type:Issues "Status":OPEN title:"Access key older"'
mix 2 'vendor:azure type:"Sign-Ins"'
mix 2 'vendor:management type:Audit.Exchange title:Set-Mailbox'
mix 2 'vendor:lacework type:alerts'
mix 1 'vendor:azure type:Incidents'
mix 2 'vendor:azure type:Alerts title:"Impossible travel"'
mix 1 'vendor:eset title:*CoinMiner*'

tmux -L "$socket" new-session -d -x 160 -y 45 "$binary --config-dir $home/config --data-dir $home/data"
until_shown '2 Queue · [1-9]'
keys /
keys C-u
text 'case:case-1 -status:closed'
keys Enter
until_shown '2 Queue · 30 ·'
settled

left() { show | sed -n 's/.*2 Queue · \([0-9]*\) ·.*/\1/p'; }
# The title of the event on show.
title() { show | grep -A1 'Summary  Fields' | tail -n 1; }
# Waits until so many are left.
until_left() { until_shown "2 Queue · $1 ·"; settled; }

cluster() {
    before=$(left)
    keys '*'
    keys d "$1"
    [ -z "$3" ] || keys "$3"
    keys Enter
    until_left $((before - $2))
}
# Everything about an entity of the event on show, and back.
look() {
    keys p
    until_shown 'Pivot on|nothing to pivot on'
    if show | grep -q 'nothing to pivot on'; then return 0; fi
    keys "$1"
    # Of several of the kind the first.
    if show | grep -q 'Pivot on'; then keys Enter; fi
    until_gone 'Queue · .*case:case-1'
    keys H
    until_shown 'Queue · .*case:case-1'
}
looked() {
    before=$(left)
    look "$1"
    keys d "$2"
    keys Enter
    until_left $((before - 1))
}
noted() {
    before=$(left)
    keys d t
    text 'The owner confirms the journey; sessions revoked.'
    keys Enter
    until_left $((before - 1))
}
# A detection of malware: what else is known of the hash; the device off the network; a word on the case; closed.
real() {
    before=$(left)
    look h
    keys a
    text isolate
    keys Enter
    until_shown 'Isolate Endpoints · eset-demo'
    keys C-p
    until_shown 'device_tasks'
    keys Escape
    keys C-s
    until_shown 'Type'
    # A question takes no answer before it was read.
    sleep 1
    text '1 host'
    keys Enter
    until_shown 'accepted'
    keys Escape
    keys d t
    text 'Miner on the device; isolated, ticket 8841.'
    keys Enter
    until_left $((before - 1))
}
lookers=0
while [ "$(left)" != 0 ]; do
    case "$(title)" in
        *'phishing list'*) cluster f 12 '' ;;
        *'Access key older'*) cluster f 8 w ;;
        *CoinMiner*) real ;;
        *'Impossible travel'*) noted ;;
        # The first with a verdict, the next with the same again.
        *) if [ $lookers = 0 ]; then looked u b; else looked u .; fi; lookers=$((lookers + 1)) ;;
    esac
done
keys g s
until_shown 'Keys a close'
show
keys Escape
tmux -L "$socket" send-keys q

closed=$(nightdesk events 'case:case-1 status:closed' --output json | wc -l)
echo "closed: $closed of 30"
[ "$closed" = 30 ]
nightdesk fetch wiz-demo > /dev/null
echo "Wiz says of the eight:"
nightdesk events 'case:case-1 vendor:wiz' --output json | sed -n 's/.*"vendor_status":"\([A-Z_]*\)".*/\1/p' | sort | uniq -c
nightdesk audit verify
if [ -n "$kept" ]; then
    mkdir -p "$kept"
    nightdesk report handover --since 8h > "$kept/handover.md"
    nightdesk case export case-1 > "$kept/case.md"
    nightdesk case export case-1 --format csv > "$kept/case.csv"
fi
