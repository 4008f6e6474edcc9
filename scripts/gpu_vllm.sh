#!/usr/bin/env bash
# vLLM on one GPU: parity, throughput and latency of a random model of published shape (benchmarks/gpu_vllm.py).
#
#   scripts/gpu_vllm.sh install WHEEL [WHEELS]   vLLM without network, beside the PyTorch that is there
#   scripts/gpu_vllm.sh bundle                   write the random models (about 7 GB)
#   scripts/gpu_vllm.sh parity                   vLLM against our torch engine, in every way to start it
#   scripts/gpu_vllm.sh throughput               mixed roles against one role and the base
#   scripts/gpu_vllm.sh latency                  whole chains against the floor of their arithmetic
#   scripts/gpu_vllm.sh report                   the tables
#   scripts/gpu_vllm.sh all                      bundle to report
#
# Every stage may be run by itself, and again; what follows its name goes to benchmarks.gpu_vllm (see its --help:
# --size tiny, --bundle plain, --variant graphs, --repeat 3, ...). Results are appended to $OUT/gpu_vllm.jsonl, vLLM's
# own log to $OUT/vllm.log. Where a call may not last longer than some minutes, run parity and latency once with
# `--bundle plain` and once with `--bundle alora`, or parity once for every --variant.
#
# install is only for machines that have PyTorch and transformers but no vLLM and no network. WHEEL is the wheel of vLLM,
# a folder that holds it, or a folder with its pieces (split -b 50m -d -a 3 NAME.whl NAME.whl. makes them; where they
# come one by one, copy each to that folder). WHEELS is a folder with the wheels of what else is missing, each in one
# version (pip download --no-deps --only-binary=:all: --python-version 3.12 ...). Beside what PyTorch and transformers
# bring, vLLM 0.26 and this benchmark import
#   annotated-types apache-tvm-ffi blake3 cachetools cbor2 distro fastapi jiter llguidance msgspec 'openai<3'
#   openai-harmony prometheus-client psutil pybase64 pydantic pydantic-core pysubs2 pyzmq sniffio starlette
#   typing-inspection uvloop xgrammar
# and no other of vLLM's requirements. install ends by importing all of it, which names what is still missing.
# Elsewhere: pip install 'videomind-agent[vllm]'.
#
# Environment: PYTHON (python3), WORK (runs/gpu_vllm: models, caches, what install installs), OUT ($WORK/results).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON=${PYTHON:-python3}
WORK=$(realpath -m "${WORK:-$root/runs/gpu_vllm}")
OUT=$(realpath -m "${OUT:-$WORK/results}")
site=$WORK/site
export PYTHONPATH="$root:$site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
export VLLM_LOGGING_LEVEL="${VLLM_LOGGING_LEVEL:-INFO}" VLLM_CACHE_ROOT="${VLLM_CACHE_ROOT:-$WORK/cache}"
# One machine without network: its processes find each other on the loopback interface.
export VLLM_HOST_IP="${VLLM_HOST_IP:-127.0.0.1}" GLOO_SOCKET_IFNAME="${GLOO_SOCKET_IFNAME:-lo}" NCCL_SOCKET_IFNAME="${NCCL_SOCKET_IFNAME:-lo}"

usage() {
  sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

install() {
  local wheel wheels=()
  wheel=$(cd "$root" && "$PYTHON" -m benchmarks.gpu.pieces "$(realpath "$1")" "$WORK/joined")
  if [ "$(cat "$site/.installed" 2>/dev/null)" = "$(basename "$wheel")" ]; then
    echo "$(basename "$wheel") is installed already"
  else
    if [ $# -gt 1 ]; then
      wheels=("$2"/*.whl)
    fi
    "$PYTHON" -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir --disable-pip-version-check \
      --upgrade --target "$site" "${wheels[@]}" "$wheel"
    basename "$wheel" > "$site/.installed"
  fi
  cd "$root"
  "$PYTHON" -m benchmarks.gpu.register "$site"
  "$PYTHON" -c 'import vllm.v1.engine.async_llm, vllm.v1.engine.core, videomind.lora_switch.vllm_plugin.worker
import benchmarks.gpu_vllm
print("vLLM and the benchmark can be imported")'
}

run() {
  if ! "$PYTHON" -c 'import sys; from importlib.util import find_spec; sys.exit(find_spec("flashinfer") is None)'; then
    export VLLM_USE_FLASHINFER_SAMPLER=0 # vLLM takes it for installed; nothing here samples
  fi
  mkdir -p "$OUT"
  if ! (cd "$root" && "$PYTHON" -m benchmarks.gpu_vllm "$1" --work "$WORK" --out "$OUT" "${@:2}" 2>> "$OUT/vllm.log"); then
    echo "error: stage $1 failed; the end of $OUT/vllm.log:" >&2
    tail -n 40 "$OUT/vllm.log" >&2
    return 1
  fi
}

stage=${1:-help}
case $stage in
  install)
    if [ $# -lt 2 ]; then
      echo "error: say where the wheel of vLLM is: scripts/gpu_vllm.sh install WHEEL [WHEELS]" >&2
      exit 2
    fi
    install "${@:2}"
    ;;
  bundle | parity | throughput | latency | report)
    run "$stage" "${@:2}"
    ;;
  all)
    failed=0
    run bundle "${@:2}"
    for each in parity throughput latency report; do
      run "$each" "${@:2}" || failed=1
    done
    exit $failed
    ;;
  help | -h | --help)
    usage
    ;;
  *)
    echo "error: no stage '$stage'; see scripts/gpu_vllm.sh --help" >&2
    exit 2
    ;;
esac
