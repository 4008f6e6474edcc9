#!/usr/bin/env bash
# Batched multi-LoRA and the torch engine on one GPU (benchmarks/gpu_lora.py).
#
#   scripts/gpu_lora.sh install WHEELS   what is missing, from a folder of wheels, without network
#   scripts/gpu_lora.sh test             the tests of the kernels that need a GPU
#   scripts/gpu_lora.sh kernels          against float64, plain torch, vLLM's own and PEFT, and the floor of the device
#   scripts/gpu_lora.sh chain            whole chains at 2B shapes, random weights, against their arithmetic
#   scripts/gpu_lora.sh report           the tables
#   scripts/gpu_lora.sh all              test to report
#
# Every stage may be run by itself, and again; what follows its name goes to benchmarks.gpu_lora (see its --help: --size
# tiny, --bundle plain, --repeat 3, ...). Results are appended to $OUT/gpu_lora.jsonl.
#
# test and kernels need PyTorch for CUDA with its Triton, transformers, PEFT and pytest. chain also imports what the
# agent does: pydantic, pysubs2, psutil and typing-inspection with what these need. vLLM's kernels are measured where
# vLLM can be imported; scripts/gpu_vllm.sh says how to install it without network, and its WORK/site may be put on
# PYTHONPATH. Elsewhere: pip install 'videomind-agent[vllm]'.
#
# Environment: PYTHON (python3), WORK (runs/gpu_lora: models, what install installs), OUT ($WORK/results).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON=${PYTHON:-python3}
WORK=$(realpath -m "${WORK:-$root/runs/gpu_lora}")
OUT=$(realpath -m "${OUT:-$WORK/results}")
site=$WORK/site
export PYTHONPATH="$root:$site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1

usage() {
  sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

run() {
  mkdir -p "$OUT"
  (cd "$root" && "$PYTHON" -m benchmarks.gpu_lora "$1" --work "$WORK" --out "$OUT" "${@:2}")
}

run_tests() {
  (cd "$root" && "$PYTHON" -m pytest -q -p no:cacheprovider --noconftest -m gpu tests/kernels/test_lora_triton.py)
}

stage=${1:-help}
case $stage in
  install)
    if [ $# -lt 2 ]; then
      echo "error: say where the wheels are: scripts/gpu_lora.sh install WHEELS" >&2
      exit 2
    fi
    "$PYTHON" -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir --disable-pip-version-check \
      --upgrade --target "$site" "$2"/*.whl
    ;;
  test)
    run_tests
    ;;
  kernels | chain | report)
    run "$stage" "${@:2}"
    ;;
  all)
    failed=0
    run_tests || failed=1
    for each in kernels chain report; do
      run "$each" "${@:2}" || failed=1
    done
    exit $failed
    ;;
  help | -h | --help)
    usage
    ;;
  *)
    echo "error: no stage '$stage'; see scripts/gpu_lora.sh --help" >&2
    exit 2
    ;;
esac
