"""Runs a program in a network of its own, with nothing but loopback: R listens for its sessions at every address.

    unshare -rn python3 loopback.py PROGRAM ARGUMENTS

What the program leaves behind has a process here for its parent, and not that of the tests, which may end orphans.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys
import time

# SIOCSIFFLAGS: loopback is up and runs.
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x49))
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    # PR_SET_CHILD_SUBREAPER
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    program = os.fork()
    if program == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    # Whoever reads what the program writes is to see its end.
    os.closerange(0, writing)
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            break
        if pid == program:
            os.write(writing, bytes([os.waitstatus_to_exitcode(status) & 0xFF]))
            os.close(writing)
    # The process of the tests may have become its parent. That waits for nobody whom it does not know: as a zombie this
    # one would keep others there from being waited for.
    parent = os.getppid()
    with open(f"/proc/{parent}/cmdline", "rb") as file:
        is_of_tests = b"xctest" in file.read()
    while is_of_tests and os.getppid() == parent:
        time.sleep(0.2)
    os._exit(0)
os.close(writing)
code = os.read(reading, 1)
sys.exit(code[0] if code else 1)
