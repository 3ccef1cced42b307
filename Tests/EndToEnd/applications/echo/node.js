// Echoes what it saw, with Node's own parser at its laxest: RESOURCE, METHOD, TARGET, fields, an empty line, the body.
const fs = require("fs"), http = require("http"), path = require("path");
const [port, log] = process.argv.slice(2);

/** Whether any of the ways in which Node applications read a path leads to /admin. Express's router does not see case. */
function resource(target) {
  const readings = [target.split("?")[0]];
  for (const read of [() => new URL(target, "http://x").pathname, () => decodeURIComponent(readings[0]), () => path.posix.normalize(decodeURIComponent(readings[0])),
    () => path.win32.normalize(decodeURIComponent(readings[0])).replaceAll("\\", "/"), () => decodeURIComponent(readings[0]).replace(/[. ]+(?=\/|$)/g, "")])
    try { readings.push(read()); } catch { /* no reading of it */ }
  return readings.some(reading => /^\/+admin(\/|$)/i.test(reading)) ? "admin" : "other";
}

http.createServer({ insecureHTTPParser: true, maxHeaderSize: 1 << 20, keepAliveTimeout: 60000, requestTimeout: 0 }, (request, response) => {
  fs.appendFileSync(log, request.method + " " + request.url + "\n");
  const body = [];
  request.on("data", part => body.push(part)).on("end", () => {
    const fields = [];
    for (const raw of [request.rawHeaders, request.rawTrailers])
      for (let at = 0; at < raw.length; at += 2) fields.push(raw[at] + ": " + raw[at + 1] + "\n");
    response.setHeader("X-Echo", "node");
    response.end(Buffer.concat([Buffer.from([resource(request.url), request.method, request.url, ""].join("\n") + fields.join("") + "\n", "latin1"), ...body]));
  });
}).on("upgrade", (request, socket) => socket.destroy()).listen(port, "127.0.0.1", () => console.log("ready"));
