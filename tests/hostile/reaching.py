"""Programs that want to be heard: by the network, by services, by the user's terminal."""

REACHING = {
    "connects to a service on loopback": """
socket.create_connection(("127.0.0.1", host["tcp"]), 2)
""",
    "sends a datagram to a service on loopback": """
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"secret", ("127.0.0.1", host["udp"]))
""",
    "sends its first words with the connection": """
client = socket.socket()
client.settimeout(2)
client.sendto(b"secret", 0x20000000, ("127.0.0.1", host["tcp"]))
""",
    "sends a datagram out of the machine": """
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"secret", ("192.0.2.1", 9))
boom("it was sent")
""",
    "connects to a socket of the machine": """
socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(host["stream"])
""",
    "sends a datagram to a socket of the machine": """
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"secret", host["datagram"])
""",
    "sends a datagram from one end of a pair": """
left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
left.sendto(b"secret", host["datagram"])
""",
    "connects to a socket without a file": """
socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect("\\0" + host["abstract"])
""",
    "asks the kernel for the machine's addresses": """
asked = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
asked.bind((0, 0))
asked.send(b"\\x14\\0\\0\\0\\x12\\0\\x01\\x03" + bytes(12))
if len([name for _, name in socket.if_nameindex() if name != "lo"]):
    boom("it knows the interfaces")
""",
    "writes to the user's terminal": """
with open(host["terminal"], "w") as terminal:
    terminal.write("rm -rf ~\\n")
""",
    "types into the terminal it was started from": """
import fcntl
fcntl.ioctl(os.open(host["terminal"], os.O_RDWR), 0x5412, b"x")
boom("typed")
""",
    "leaves a key with the kernel": """
key = libc.syscall(248 if os.uname().machine == "x86_64" else 217, b"user", b"left-behind",
                   b"secret", 6, -4)
if key > 0:
    libc.syscall(250 if os.uname().machine == "x86_64" else 219, 9, key, -4)
    boom("left a key")
""",
}
