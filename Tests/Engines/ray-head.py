"""A Ray head in a network of its own, with nothing but loopback: it would listen at the machine's address, too.

    unshare -rn python ray-head.py ARGUMENTS OF RAY START
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys

# SIOCSIFFLAGS: loopback is up and runs.
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x49))
# All of Ray is in one group, to be ended.
os.setsid()
# Orphans of its workers come here, and not to the process of the tests: PR_SET_CHILD_SUBREAPER.
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
head = os.fork()
if head == 0:
    programs = os.path.dirname(sys.executable)
    os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
    os.execv(f"{programs}/ray", ["ray", "start", "--head", "--block", *sys.argv[1:]])
while os.wait()[0] != head:
    pass
