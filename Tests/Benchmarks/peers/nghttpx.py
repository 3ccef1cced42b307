"""nghttpx, the proxy of the HTTP/2 library that Menwei uses too: a plain TLS proxy."""
import re

from lab import Peer, free_port, need

NAME = "nghttpx, plain TLS proxy"


def start(lab):
    need("nghttpx")
    port = free_port()
    process = lab.start([
        "nghttpx", "--conf=/dev/null", "--single-process", "--workers=1", f"--frontend=127.0.0.1,{port}", f"--backend=127.0.0.1,{lab.upstream}",
        "--tls-min-proto-version=TLSv1.3", "--no-ocsp", "--http2-max-concurrent-streams=256", f"--accesslog-file={lab.folder}/nghttpx.log",
        "--errorlog-file=/dev/null", lab.key, lab.certificate])
    lab.wait_port(port)
    return Peer(NAME, port, process, version=re.search(r"nghttp2/([\d.]+)", lab.run(["nghttpx", "--version"])).group(1))
