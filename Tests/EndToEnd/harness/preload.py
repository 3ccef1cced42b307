"""Small libraries that are loaded before a process under test (LD_PRELOAD), and answer in the C library's place."""
import shutil
import subprocess
from pathlib import Path


def preload(name, folder):
    """The environment that loads `name`.c of this folder."""
    compiler = shutil.which("clang") or shutil.which("cc")
    assert compiler, "the Swift toolchain brings clang; is it in PATH?"
    library = Path(folder) / f"{name}.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, Path(__file__).with_name(f"{name}.c"), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}
