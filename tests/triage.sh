#!/bin/sh
# Thirty events of the demo's vendors, triaged with the keyboard alone: 22 benign or duplicate, five that need a look, two that need a
# note, and a real one. The keys are counted by the program's own meter. Needs tmux.
# Usage: tests/triage.sh [path of the binary]
set -eu
binary=${1:-target/debug/nightdesk}
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
    before=
    for _ in $(seq 100); do
        now=$(show)
        if [ "$now" = "$before" ]; then return 0; fi
        before=$now
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
mix 1 'vendor:eset title:CoinMiner'
