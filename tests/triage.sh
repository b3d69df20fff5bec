#!/bin/sh
# Thirty events of the demo, triaged with the keyboard alone, and what that cost by the program's own meter.
# Needs tmux. Usage: tests/triage.sh [path of the binary]
set -eu
binary=${1:-target/debug/nightdesk}
socket=nightdesk-triage-$$
keys() { tmux -L "$socket" send-keys "$@"; sleep 0.6; }
show() { tmux -L "$socket" capture-pane -p; }
finish() { tmux -L "$socket" kill-server 2>/dev/null || true; }
trap finish EXIT
until_shown() {
    for _ in $(seq 120); do
        if show | grep -q "$1"; then return 0; fi
        sleep 0.5
    done
    echo "never shown: $1" >&2
    show >&2
    exit 1
}

tmux -L "$socket" new-session -d -x 160 -y 45 "$binary demo --seed 7 --events 300"
until_shown "2 Queue · [1-9][0-9]"
sleep 4
# Duplicates and benign ones: everything alike at once.
for verdict in f b b f d b; do
    keys '*'
    keys d "$verdict" Enter
done
# Some that need a look: open, pivot on the user, back, close with the last verdict.
for _ in 1 2 3 4 5; do
    keys Enter
    keys p u
    keys Escape
    keys d .
    keys Enter
done
# Two that need a note.
for _ in 1 2; do
    keys d t
    tmux -L "$socket" send-keys -l 'Confirmed with the owner; password reset.'
    keys Enter
done
keys g s
until_shown 'Keys a close'
show
