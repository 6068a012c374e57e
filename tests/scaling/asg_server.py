"""EC2 Auto Scaling on a port of this machine, as strict as AWS documents it (API version 2011-01-01): two actions of its Query protocol."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import boto3
from botocore.config import Config

VERSION = "2011-01-01"
NAMESPACE = "http://autoscaling.amazonaws.com/doc/2011-01-01/"


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class AutoScalingServer:
    """Groups by name, each with least, desired and greatest size. Used as a context manager."""

    def __init__(self, groups: dict[str, tuple[int, int, int]]) -> None:
        self.groups = dict(groups)
        self.fault: tuple[int, str] | None = None
        """Status and code that every request is answered with."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> AutoScalingServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def capacities(self) -> dict[str, int]:
        return {name: sizes[1] for name, sizes in self.groups.items()}

    def client(self) -> Any:
        return boto3.client(
            "autoscaling",
            endpoint_url=f"http://127.0.0.1:{self._server.server_port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
        )

    def answer(self, asked: dict[str, str]) -> str:
        """The result's XML; raises `Refused`."""
        if self.fault:
            raise Refused(*self.fault, "as the test wants it")
        action = asked.pop("Action", "")
        if asked.pop("Version", "") != VERSION:
            raise Refused(400, "InvalidAction", "no such version")
        if action == "DescribeAutoScalingGroups":
            return self._describe(asked)
        if action == "SetDesiredCapacity":
            return self._set(asked)
        raise Refused(400, "InvalidAction", f"{action} is not known")

    def _describe(self, asked: dict[str, str]) -> str:
        wanted = [value for key, value in asked.items() if key.startswith("AutoScalingGroupNames.member.")]
        members = "".join(
            f"<member><AutoScalingGroupName>{name}</AutoScalingGroupName><MinSize>{sizes[0]}</MinSize>"
            f"<DesiredCapacity>{sizes[1]}</DesiredCapacity><MaxSize>{sizes[2]}</MaxSize></member>"
            for name, sizes in self.groups.items()
            if name in wanted
        )
        return f"<DescribeAutoScalingGroupsResult><AutoScalingGroups>{members}</AutoScalingGroups></DescribeAutoScalingGroupsResult>"

    def _set(self, asked: dict[str, str]) -> str:
        unknown = asked.keys() - {"AutoScalingGroupName", "DesiredCapacity", "HonorCooldown"}
        if unknown or asked.get("HonorCooldown") not in (None, "true", "false"):
            raise Refused(400, "ValidationError", f"unknown: {unknown}")
        name, capacity = asked["AutoScalingGroupName"], int(asked["DesiredCapacity"])
        if name not in self.groups:
            raise Refused(400, "ValidationError", f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
        least, _, most = self.groups[name]
        if capacity > most:
            raise Refused(
                400, "ValidationError", f"New SetDesiredCapacity value {capacity} is above max value {most} for the AutoScalingGroup."
            )
        if capacity < least:
            raise Refused(
                400, "ValidationError", f"New SetDesiredCapacity value {capacity} is below min value {least} for the AutoScalingGroup."
            )
        self.groups[name] = (least, capacity, most)
        return ""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                asked = {key: values[0] for key, values in parse_qs(body, strict_parsing=True).items()}
                action = asked.get("Action", "")
                try:
                    result = outer.answer(asked)
                    self._send(200, f'<{action}Response xmlns="{NAMESPACE}">{result}</{action}Response>')
                except Refused as error:
                    kind = "Sender" if error.status < 500 else "Receiver"
                    fault = f"<Error><Type>{kind}</Type><Code>{error.code}</Code><Message>{error.message}</Message></Error>"
                    self._send(error.status, f'<ErrorResponse xmlns="{NAMESPACE}">{fault}<RequestId>r</RequestId></ErrorResponse>')

            def _send(self, status: int, text: str) -> None:
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Tests need no log."""

        return Handler
