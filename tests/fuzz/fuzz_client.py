"""The daemon under test, and calls to it."""
import collections
import http.client
import re
import subprocess

from api_daemon import Daemon
from random_calls import repeat
from reply_checks import Reply

REPLY_SECONDS = 120  # without an answer
STREAM_SECONDS, STREAM_LINES = 0.2, 200  # of a stream, before the client leaves in the middle
REPORTS = re.compile(rb"Sanitizer|runtime error|Assertion|stack smashing|corrupted|double free")


class Finding(Exception):
    """What is wrong, and the call after which it was seen."""

    def __init__(self, what, call=None):
        super().__init__(what)
        self.call = call

    def text(self):
        return "\n".join([f"FINDING: {self}", *([] if self.call is None else repeat(self.call))])


class Client:
    """Starts the daemon; a Finding when it does not answer, ends, or a sanitizer has something to say."""

    def __init__(self, folder, *options):
        self.daemon = Daemon(folder, *options).start()
        self.connections = []
        self.last = collections.deque(maxlen=5)  # calls
        self.experiments = []  # Known: those that it was given

    def connection(self, index):
        while len(self.connections) <= index:
            self.connections.append(http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=REPLY_SECONDS))
        return self.connections[index]

    def write(self, connection, call):
        connection.putrequest(call.method, call.target, skip_accept_encoding=True)
        for name, value in call.headers.items():
            connection.putheader(name, value.encode())
        if call.body is not None or call.method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(call.body or b"")))
        connection.endheaders(call.body)

    def read(self, connection):
        socket = connection.sock  # getresponse forgets it where the reply ends with the connection
        response = connection.getresponse()
        if response.headers.get_content_type() == "text/event-stream":
            return Reply(response.status, {"content-type": "text/event-stream"}, self.read_stream(connection, socket, response))
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())

    def read_stream(self, connection, socket, response):
        """What comes at once; then the client leaves."""
        lines = []
        socket.settimeout(STREAM_SECONDS)
        try:
            while len(lines) < STREAM_LINES and (line := response.readline()):
                lines.append(line)
        except TimeoutError:
            pass
        response.close()
        connection.close()
        return b"".join(lines)

    def alive(self, call):
        if self.daemon.process.poll() is not None:
            raise Finding(f"the daemon ended with status {self.daemon.process.returncode}", call)

    def send(self, call, connection=0):
        """The reply; a connection that the daemon closed in between is opened once more."""
        self.last.append(call)
        for attempt in (1, 2):
            try:
                self.write(self.connection(connection), call)
                reply = self.read(self.connection(connection))
                self.alive(call)
                return reply
            except (http.client.HTTPException, OSError) as error:
                self.connection(connection).close()
                self.alive_soon(call)
                if attempt == 2 or isinstance(error, TimeoutError):
                    raise Finding(f"no reply: {error!r}", call) from error

    def alive_soon(self, call):
        """A connection broke: if the daemon is dying, it is dead in a moment."""
        try:
            self.daemon.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return
        self.alive(call)

    def send_all(self, calls):
        """All of them at once; the replies in their order."""
        self.last.extend(calls)
        replies = []
        try:
            for index, call in enumerate(calls, 1):
                self.connection(index).close()
                self.write(self.connection(index), call)
            for index, call in enumerate(calls, 1):
                replies.append(self.read(self.connection(index)))
        except (http.client.HTTPException, OSError) as error:
            self.alive_soon(call)
            raise Finding(f"no reply among {len(calls)} at once: {error!r}", call) from error
        return replies

    def check_worker_logs(self, experiment="*"):
        if not re.fullmatch(r"[0-9A-Z]{26}|\*", experiment):
            return
        for path in self.daemon.data.glob(f"runs/{experiment}/attempt-*/worker.log"):
            text = path.read_bytes()
            if REPORTS.search(text):
                known = next((one for one in self.experiments if one.id == path.parts[-3]), None)
                raise Finding(f"{path}:\n{text[-6000:].decode(errors='replace')}", known and known.call)

    def stop(self):
        for connection in self.connections:
            connection.close()
        self.connections.clear()
        status = self.daemon.stop()
        if status != 0 or REPORTS.search(self.daemon.log_path.read_bytes()):
            raise Finding(f"the daemon ended with status {status}: {self.daemon.log()[-6000:]}")

    def kill(self):
        """For a daemon that a finding left behind."""
        for connection in self.connections:
            connection.close()
        if self.daemon.process.poll() is None:
            self.daemon.process.kill()
            self.daemon.process.wait()
        self.daemon.process.stdout.close()
