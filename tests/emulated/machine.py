"""A computer with AVX-512 on a processor without: bochs boots what scripts/avx512.sh made and runs programs in it. Files
go in on its first disk and come out on the second, as archives; the second serial port says when."""

import atexit
import functools
import os
import pathlib
import re
import select
import shlex
import shutil
import subprocess
import tarfile
import tempfile
import time
import tty

DISK_BYTES = 128 << 20
PATIENCE = 3 * 3600  # seconds for a program
SETTINGS = """
display_library: term
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
cpu: model=corei7_skylake_x, ips=50000000
memory: guest=512, host=512
clock: sync=none
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path=in, mode=flat
ata0-slave: type=disk, path=out, mode=flat
ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
ata1-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=console
com2: enabled=1, mode=term, dev={serial}
log: log
panic: action=fatal
"""


class Machine:
    def __init__(self, iso):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="qlstm-bochs-"))
        self.serial, other = os.openpty()
        tty.setraw(other)
        self.heard = b""
        self.programs = set()
        for disk in ("in", "out"):
            with open(self.folder / disk, "wb") as file:
                file.truncate(DISK_BYTES)
        (self.folder / "settings").write_text(SETTINGS.format(iso=pathlib.Path(iso).resolve(), serial=os.ttyname(other)))
        (self.folder / "start").write_text("c\n")  # to the debugger that Debian builds in
        with open(self.folder / "screen", "wb") as screen:
            self.bochs = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "bochs", "-q", "-f", "settings", "-rc", "start"],
                                          cwd=self.folder, stdin=subprocess.DEVNULL, stdout=screen, stderr=screen,
                                          env=os.environ | {"TERM": "vt100"})
        atexit.register(self.close)
        self.expect(b"ready")

    def close(self):
        self.bochs.kill()
        self.bochs.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def expect(self, word):
        """The next line that it says."""
        end = time.monotonic() + PATIENCE
        while b"\n" not in self.heard:
            assert self.bochs.poll() is None, "bochs has ended: " + self.last("screen")
            assert time.monotonic() < end, "no answer: " + self.last("console")
            if select.select([self.serial], [], [], 1)[0]:
                self.heard += os.read(self.serial, 4096)
        line, self.heard = self.heard.split(b"\n", 1)
        assert line.strip() == word, (line, self.last("console"))

    def last(self, name):
        return (self.folder / name).read_text(errors="replace")[-2000:]

    def do(self, commands, files):
        """A shell of the machine runs the commands, when the files are there: {name there: path here}."""
        script = self.folder / "command"
        script.write_text(commands)
        with open(self.folder / "in", "r+b") as disk, tarfile.open(fileobj=disk, mode="w", dereference=True) as archive:
            archive.add(script, "job/command")
            for name, file in files.items():
                archive.add(file, name.lstrip("/"))
            archive.close()
            size = disk.tell()
        with open(self.folder / "out", "r+b") as disk:
            disk.write(bytes(tarfile.BLOCKSIZE))  # so that no answer of before is taken for this one's
        os.write(self.serial, b"%d\n" % size)
        self.expect(b"done")

    def install(self, program):
        """Brings it and its libraries there, once, without what is for debuggers."""
        if program in self.programs:
            return
        bare = self.folder / "bare"
        subprocess.run(["objcopy", "--strip-debug", program, bare], check=True)
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        self.do("", {library: library for library in re.findall(r"(/\S+) \(0x", listed)} | {str(program): bare})
        self.programs.add(program)

    def run(self, program, *arguments, out=None):
        """The program ended there. Arguments that name files here are files there; the folder `out` comes back."""
        self.install(program)
        command = shlex.join([str(program), *map(str, arguments)])
        files = {name: name for name in map(str, arguments) if name.startswith("/") and os.path.isfile(name)}
        results = ["job/stdout", "job/stderr", "job/status"] + ([str(out).lstrip("/")] if out else [])
        self.do(f"cd /job\n{command} >stdout 2>stderr\necho $? >status\ncd /\nset --\n"
                f'for name in {shlex.join(results)}; do [ ! -e "$name" ] || set -- "$@" "$name"; done\n'
                f'tar cf /dev/sdb "$@"\nrm -rf {shlex.join([*results, *files])}\n', files)
        with open(self.folder / "out", "rb") as disk, tarfile.open(fileobj=disk, mode="r:") as archive:
            archive.extractall("/", [member for member in archive if not member.name.startswith("job/")])
            stdout, stderr, status = (archive.extractfile(name).read().decode() for name in results[:3])
        return subprocess.CompletedProcess([program, *arguments], int(status), stdout, stderr)


@functools.cache
def the_machine():
    """The one of this process, or None where nothing to boot is named."""
    return Machine(os.environ["QLSTM_AVX512_BOOT"]) if "QLSTM_AVX512_BOOT" in os.environ else None
