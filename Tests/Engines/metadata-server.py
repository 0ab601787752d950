"""Gives credentials as a machine's metadata service, a container's and a token service do, for tests.

metadata-server.py PORT LOG EXPIRATION

LOG gets a line for each request. Keys are numbered, so that a test sees which request they are of.
An instance's paths may begin with a fault: /old/latest/api/token is one that knows version 1 only.
"""

import http.server
import json
import socketserver
import sys
import urllib.parse

PORT, LOG, EXPIRATION = int(sys.argv[1]), open(sys.argv[2], "w", buffering=1), sys.argv[3]
ROLE = "/latest/meta-data/iam/security-credentials/"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    given = 0

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def keys(self, name):
        Handler.given += 1
        return json.dumps({
            "Code": "Success", "AccessKeyId": f"{name}-{Handler.given}", "SecretAccessKey": "a/secret+",
            "Token": "a \"token\" é", "Expiration": EXPIRATION, "Nested": {"list": [1, "}"]},
        })

    def fault(self):
        """What the path begins with, and the rest of it."""
        name, slash, rest = self.path[1:].partition("/latest/")
        return (name, "/latest/" + rest) if slash else ("", self.path)

    def do_PUT(self):
        print("PUT", self.path, file=LOG)
        fault, path = self.fault()
        if fault == "old":
            return self.answer(404, "")
        is_asked = path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
        end = "\r\n" if fault == "line" else ""
        self.answer(200, "instance-token" + end) if is_asked else self.answer(400, "")

    def do_GET(self):
        print("GET", self.path, file=LOG)
        fault, path = self.fault()
        if path.startswith(ROLE):
            if fault != "old" and self.headers["X-aws-ec2-metadata-token"] != "instance-token":
                return self.answer(401, "")
            if path == ROLE:
                return self.answer(404, "") if fault == "no-role" else self.answer(200, "the-role\n")
            return self.answer(200, '{"Code": "Failed"}' if fault == "failed" else self.keys("instance"))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/container")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if self.path == "/empty":
            return self.answer(200, "{}")
        if self.path == "/container":
            if self.headers["Authorization"] != "container-token":
                return self.answer(403, "")
            return self.answer(200, self.keys("container"))
        self.answer(404, "")

    def do_POST(self):
        query = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        print("POST", self.path, query["Action"][0], file=LOG)
        if query["WebIdentityToken"] != ["web-token+/="] or query["RoleArn"] != ["arn:aws:iam::1:role/r"]:
            return self.answer(403, "<ErrorResponse><Error><Message>no such role</Message></Error></ErrorResponse>")
        Handler.given += 1
        self.answer(200, (
            "<AssumeRoleWithWebIdentityResponse><Credentials>"
            f"<AccessKeyId>web-{Handler.given}</AccessKeyId><SecretAccessKey>s&amp;s</SecretAccessKey>"
            f"<SessionToken>t</SessionToken><Expiration>{EXPIRATION}</Expiration>"
            "</Credentials></AssumeRoleWithWebIdentityResponse>"))

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    """Without a look at the name service, which http.server takes at its start."""

    daemon_threads = True


Server(("127.0.0.1", PORT), Handler).serve_forever()
