# What a service manager hears (sd_notify(3)): binds a datagram socket at ADDRESS ("@" for the abstract namespace), and prints a line of JSON
# for each message: what it says, who says it, and how things stand at that moment.
# Usage: service-manager.py ADDRESS UAPI_SOCKET INTERFACE
import json, socket, struct, subprocess, sys

address, uapi, interface = sys.argv[1:]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
manager.bind(address.replace("@", "\0", 1))
print(json.dumps("listening"), flush=True)

def answer():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(10)
    try:
        client.connect(uapi)
        client.sendall(b"get=1\n\n")
        text = b""
        while not text.endswith(b"\n\n"):
            text += client.recv(65536) or b"(end)\n\n"
        return text.decode().strip().split("\n")[-1]
    except OSError as error:
        return type(error).__name__

def status(pid, field):
    try:
        with open(f"/proc/{pid}/status") as lines:
            return next(line.split()[1] for line in lines if line.startswith(field + ":"))
    except OSError:
        return None

while True:
    message, control, _, _ = manager.recvmsg(4096, 1024)
    pid = struct.unpack("3i", control[0][2])[0]
    lines = message.decode().split("\n")
    told = {"lines": lines, "pid": pid, "seccomp": status(pid, "Seccomp"), "user": status(pid, "Uid")}
    if "READY=1" in lines:
        told["answer"] = answer()
        told["addresses"] = subprocess.run(["ip", "-br", "address", "show", interface], capture_output=True, text=True).stdout.split()[2:]
    print(json.dumps(told), flush=True)
