"""What `import adaf_xr` costs beside `import xarray, cf_xarray`, which every user pays anyway: at most 1.25 times."""

import subprocess
import sys
import time

ROUNDS = 7


def seconds(statement: str) -> float:
    """Wall time of a fresh interpreter that runs one statement."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Interleave the rounds, so that a busy moment of the machine hits both; the fastest round counts."""
    statements = ("pass", "import xarray, cf_xarray", "import adaf_xr")
    rounds = [[seconds(statement) for statement in statements] for _ in range(ROUNDS)]
    bare, peers, ours = (min(column) for column in zip(*rounds, strict=True))
    print(f"import xarray, cf_xarray  {peers - bare:6.3f} s")
    print(f"import adaf_xr            {ours - bare:6.3f} s   ratio {(ours - bare) / (peers - bare):.2f} (at most 1.25)")


if __name__ == "__main__":
    main()
