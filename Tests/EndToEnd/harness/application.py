"""An application as a process of its own, which a test may kill: answers with its name, and says on standard output what it took.

`python application.py PORT NAME`. `/hold?seconds=S` answers late; `/healthz` answers with what was last posted to `/set-health` (200 at first).
"""
import asyncio
import socket
import sys
from urllib.parse import parse_qs, urlsplit


class Application:
    def __init__(self, name):
        self.name, self.health = name, 200

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                # Before the answer: what was executed is known, whatever happens next.
                print(method, target, fields.get("user-agent", "-"), flush=True)
                status = await self.answer(method, target, body)
                text = self.name.encode()
                writer.write(b"HTTP/1.1 %d X\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % (status, len(text)) + (b"" if method == "HEAD" else text))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, method, target, body):
        url = urlsplit(target)
        if url.path == "/healthz":
            return self.health
        if url.path == "/set-health":
            self.health = int(body)
        if url.path == "/hold":
            await asyncio.sleep(float(parse_qs(url.query)["seconds"][0]))
        return 200


async def main(port, name):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    server = await asyncio.start_server(Application(name).serve, sock=listener)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
