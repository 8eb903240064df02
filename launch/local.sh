#!/usr/bin/env bash
# Several processes on this machine: launch/local.sh PROCESSES EXPERIMENT [ARGUMENTS ...]
set -euo pipefail
processes=${1:?usage: launch/local.sh PROCESSES EXPERIMENT [ARGUMENTS ...]}
experiment=${2:?usage: launch/local.sh PROCESSES EXPERIMENT [ARGUMENTS ...]}
shift 2
port=$(python -c 'import socket; s = socket.socket(); s.bind(("localhost", 0)); print(s.getsockname()[1])')
for ((i = 1; i < processes; i++)); do
  python -m "experiments.$experiment" "$@" \
    --coordinator="localhost:$port" --num_processes="$processes" --process_id="$i" &
done
# When one process ends in an error or is asked to stop, so are the others.
trap 'kill -TERM $(jobs -p) 2>/dev/null || true' TERM INT EXIT
python -m "experiments.$experiment" "$@" \
  --coordinator="localhost:$port" --num_processes="$processes" --process_id=0
wait
