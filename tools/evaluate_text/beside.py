"""RapidOCR for the benchmark: a path a line comes in, the number of lines found goes out."""

from __future__ import annotations

import argparse
import sys

from rapidocr_onnxruntime import RapidOCR


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, help="of each network; RapidOCR's own default where it is not given")
    args = parser.parse_args()
    settings = {"intra_op_num_threads": args.threads, "inter_op_num_threads": args.threads} if args.threads else {}
    engine = RapidOCR(**settings)
    print("ready", flush=True)
    for line in sys.stdin:
        result, _ = engine(line.rstrip("\n"))
        print(len(result or []), flush=True)


if __name__ == "__main__":
    main()
