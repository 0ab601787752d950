"""A Ray head in a network of its own, with nothing but loopback: it would listen at the machine's address, too.

    unshare -rn python ray-head.py ARGUMENTS OF RAY START
"""

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
programs = os.path.dirname(sys.executable)
os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
os.execv(f"{programs}/ray", ["ray", "start", "--head", "--block", *sys.argv[1:]])
