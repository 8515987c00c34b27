#!/bin/sh
# fuzz/renew.sh TARGET FOLDER: of the inputs in FOLDER and in the target's corpus, the corpus becomes a few that together reach
# the same code. Inputs of more than 2 KiB are left out, and of what was chosen, all but the first 150. Inputs with a name of their
# own stay.
set -eu
target=$1
grown=$(realpath "$2")
cd "$(dirname "$0")/.."
corpus=fuzz/corpus/$target
cp "$corpus"/* "$grown"
find "$grown" -type f -size +2048c -delete
chosen=$(mktemp -d)
RUSTC_BOOTSTRAP=1 cargo fuzz run "$target" "$chosen" "$grown" -- -set_cover_merge=1 -use_counters=0 -timeout=10
find "$corpus" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
for input in $(ls -tr "$chosen" | head -n 150); do
    mv "$chosen/$input" "$corpus"
done
rm -r "$chosen"
