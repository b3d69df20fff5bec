#!/usr/bin/env bash
# Opens the demo on a pseudo-terminal, waits for its queue, quits, and looks at what is left of the terminal.
set -euo pipefail
exec python3 - "$1" <<'PYTHON'
import fcntl, os, pty, select, struct, sys, termios, time

pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm-256color"
    os.execv(sys.argv[1], [sys.argv[1], "demo", "--events", "600"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 160, 0, 0))
seen, deadline = b"", time.time() + 60

def until(*words):
    global seen
    while not any(word in seen for word in words):
        if time.time() > deadline:
            sys.exit(f"the demo never showed {words}; it wrote {len(seen)} bytes: {seen[-400:]!r}")
        if select.select([fd], [], [], 0.2)[0]:
            try:
                seen += os.read(fd, 65536)
            except OSError:
                sys.exit(f"the demo ended early: {seen[-400:]!r}")

until(b"wiz-demo")
os.write(fd, b"q")
until(b"\x1b[?1049l")
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
print(f"the demo opened, quit and gave the terminal back (exit {code})")
sys.exit(code)
PYTHON
