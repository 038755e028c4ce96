"""Sends steady traffic through Envoy and swaps the router's selector meanwhile. run.sh builds what it needs."""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = pathlib.Path(__file__).parent
BODY = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "Explain this contract clause by clause."}]})
CLIENTS = 16


class ModelServer(BaseHTTPRequestHandler):
    """Answers every request, and tells which model it was routed to."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = json.dumps({"model": self.headers.get("x-selected-model"), "choices": []}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def envoy_configuration(extproc, upstream):
    """A gateway as in examples/envoy-aibrix, on free ports."""

    def address(at):
        host, port = at.rsplit(":", 1)
        return {"socket_address": {"address": host, "port_value": int(port)}}

    def cluster(name, at, **more):
        endpoint = {"endpoint": {"address": address(at)}}
        assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}
        return {"name": name, "type": "STATIC", "load_assignment": assignment, **more}

    def typed(kind, **fields):
        return {"@type": f"type.googleapis.com/envoy.extensions.{kind}", **fields}

    http2 = typed("upstreams.http.v3.HttpProtocolOptions", explicit_http_config={"http2_protocol_options": {}})
    options = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2}
    mode = {"request_header_mode": "SEND", "request_body_mode": "BUFFERED", "response_header_mode": "SEND"}
    processor = typed(
        "filters.http.ext_proc.v3.ExternalProcessor",
        grpc_service={"envoy_grpc": {"cluster_name": "trackside"}},
        processing_mode=mode,
    )
    connections = typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="gateway",
        http_filters=[
            {"name": "envoy.filters.http.ext_proc", "typed_config": processor},
            {"name": "envoy.filters.http.router", "typed_config": typed("filters.http.router.v3.Router")},
        ],
        route_config={
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "models"}}]}
            ]
        },
    )
    manager = {"name": "envoy.filters.network.http_connection_manager", "typed_config": connections}
    listener = {"name": "gateway", "address": address("127.0.0.1:0"), "filter_chains": [{"filters": [manager]}]}
    clusters = [cluster("trackside", extproc, typed_extension_protocol_options=options), cluster("models", upstream)]
    return {
        "admin": {"address": address("127.0.0.1:0")},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


def get(at, path, method="GET"):
    connection = http.client.HTTPConnection(at, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def until(what, look):
    """What `look` gives once it gives something."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except (OSError, http.client.HTTPException, ValueError):
            pass
        time.sleep(0.002)
    raise SystemExit(f"no {what} after a minute")


class Traffic:
    """Requests at a steady rate, counted by generation and model."""

    def __init__(self, gateway, rate):
        self.gateway, self.rate = gateway, rate
        self.lock, self.next, self.begun = threading.Lock(), 0, time.monotonic()
        self.served, self.failed, self.newest, self.ended = Counter(), [], 0, False
        self.threads = [threading.Thread(target=self.client, daemon=True) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def client(self):
        connection = http.client.HTTPConnection(self.gateway, timeout=30)
        while not self.ended:
            with self.lock:
                due = self.begun + self.next / self.rate
                self.next += 1
            time.sleep(max(0, due - time.monotonic()))
            self.ask(connection)

    def ask(self, connection):
        headers = {"content-type": "application/json", "x-vsr-debug": "true"}
        try:
            connection.request("POST", "/v1/chat/completions", BODY, headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise ValueError(f"{answer.status} {body.decode()}")
            generation, model = int(answer.headers["x-vsr-generation"]), json.loads(body)["model"]
        except (OSError, http.client.HTTPException, ValueError, TypeError) as error:
            connection.close()
            with self.lock:
                self.failed.append(str(error))
            return
        with self.lock:
            self.served[generation, model] += 1
            self.newest = max(self.newest, generation)

    def end(self):
        self.ended = True
        for thread in self.threads:
            thread.join()


class Place:
    """The router with its folder, Envoy in front of it, and a model server behind both."""

    def __init__(self, arguments):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hot-swap-"))
        self.components = self.folder / "components"
        self.components.mkdir()
        shutil.copy(HERE / "hot-swap.yaml", self.folder / "router.yaml")
        self.processes = []
        self.models = ThreadingHTTPServer(("127.0.0.1", 0), ModelServer)
        self.models.daemon_threads = True
        threading.Thread(target=self.models.serve_forever, daemon=True).start()
        self.arguments = arguments

    def start(self):
        log, admin = self.folder / "trackside.log", self.folder / "admin"
        serve = ["serve", "--config", self.folder / "router.yaml", "--log", "info,trackside_routing=warn"]
        for port in ["--extproc", "--api", "--metrics"]:
            serve += [port, "127.0.0.1:0"]
        self.run(self.arguments.trackside, serve, log)

        def listening():
            lines = (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
            return next((line for line in lines if line.get("event") == "listening"), None)

        ports = until("trackside", listening)
        self.api = ports["api"]
        configuration = envoy_configuration(ports["extproc"], "127.0.0.1:%d" % self.models.server_port)
        (self.folder / "envoy.json").write_text(json.dumps(configuration))
        flags = ["-c", self.folder / "envoy.json", "--disable-hot-restart", "--log-level", "warn"]
        self.run(self.arguments.envoy, [*flags, "--admin-address-path", admin], self.folder / "envoy.log")
        admin = until("envoy", lambda: admin.exists() and admin.read_text())
        until("envoy", lambda: get(admin, "/ready")[0] == 200)
        listener = json.loads(get(admin, "/listeners?format=json")[1])["listener_statuses"][0]
        self.gateway = "127.0.0.1:%d" % listener["local_address"]["socket_address"]["port_value"]

    def run(self, program, arguments, output):
        with open(output, "w") as output:
            command = [str(part) for part in [program, *arguments]]
            self.processes.append(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT))

    def put(self, component):
        """Puts a component in the place of the one before, as a whole."""
        aside = self.folder / "aside"
        shutil.copy(component, aside)
        os.replace(aside, self.components / "selector.wasm")

    def history(self):
        return json.loads(get(self.api, "/api/v1/generations")[1])["generations"]

    def end(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.folder)


def swap(place, traffic, name, component):
    before, then = traffic.newest, time.monotonic()
    place.put(component)
    until("new generation", lambda: traffic.newest > before)
    print(f"generation {traffic.newest}: {name}, serving {1000 * (time.monotonic() - then):.0f} ms after the file was renamed")


def refuse(place, traffic, component):
    """A file that is cut off changes nothing."""
    broken = place.folder / "broken"
    broken.write_bytes(pathlib.Path(component).read_bytes()[:5000])
    refused = lambda: sum(entry["verdict"] == "refused" for entry in place.history())
    before = refused()
    place.put(broken)
    until("report", lambda: refused() > before)
    report = next(entry for entry in place.history() if entry["verdict"] == "refused")
    problem = next(problem for problem in report["problems"] if "selector.wasm" in problem["message"])
    message = problem["message"].replace(f"{place.folder}/./", "").split(": failed to parse")[0]
    print(f"refused: {problem['code']} {message}; generation {traffic.newest} goes on")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for program in ["trackside", "envoy", "cheapest", "strongest"]:
        parser.add_argument(f"--{program}", required=True)
    parser.add_argument("--swaps", type=int, default=6)
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    arguments = parser.parse_args()
    selectors = [("cheapest", arguments.cheapest), ("strongest", arguments.strongest)]
    place = Place(arguments)
    try:
        place.put(arguments.cheapest)
        place.start()
        traffic = Traffic(place.gateway, arguments.rate)
        until("answer", lambda: traffic.newest)
        print(f"generation 1: cheapest, under {arguments.rate:.0f} requests a second through Envoy")
        for number in range(1, arguments.swaps + 1):
            time.sleep(1)
            swap(place, traffic, *selectors[number % 2])
            if number == arguments.swaps // 2:
                time.sleep(1)
                refuse(place, traffic, arguments.cheapest)
        time.sleep(1)
        traffic.end()
    finally:
        place.end()
    print(f"\n{'generation':>10}  {'model':<8}{'requests':>9}")
    for (generation, model), requests in sorted(traffic.served.items()):
        print(f"{generation:>10}  {model:<8}{requests:>9}")
    print(f"\n{sum(traffic.served.values())} requests, {arguments.swaps} swaps, {len(traffic.failed)} failed")
    for reason in traffic.failed[:5]:
        print(reason)
    raise SystemExit(bool(traffic.failed))


if __name__ == "__main__":
    main()
