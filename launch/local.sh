#!/usr/bin/env bash
# Several processes on this machine: launch/local.sh PROCESSES EXPERIMENT [ARGUMENTS ...]
set -euo pipefail
processes=${1:?usage: launch/local.sh PROCESSES EXPERIMENT [ARGUMENTS ...]}
experiment=${2:?usage: launch/local.sh PROCESSES EXPERIMENT [ARGUMENTS ...]}
shift 2
port=$(python -c 'import socket; s = socket.socket(); s.bind(("localhost", 0)); print(s.getsockname()[1])')
pids=()
for ((i = 0; i < processes; i++)); do
  python -m "experiments.$experiment" "$@" \
    --coordinator="localhost:$port" --num_processes="$processes" --process_id="$i" &
  pids+=($!)
done
asked=
trap 'asked=yes; kill -TERM "${pids[@]}" 2>/dev/null || true' TERM INT
trap 'kill -KILL "${pids[@]}" 2>/dev/null || true' EXIT

# When one ends in an error, the others wait for it in a sum over all of them and cannot end
# themselves: after ten seconds they are killed. Their state is that of the last checkpoint.
status=0
deadline=
running=$processes
while ((running)); do
  sleep 0.2 || true
  for i in "${!pids[@]}"; do
    kill -0 "${pids[i]}" 2>/dev/null && continue
    code=0
    wait "${pids[i]}" || code=$?
    unset "pids[i]"
    running=$((running - 1))
    if ((code && !status)); then
      status=$code
      if [ -z "$asked" ] && ((running)); then
        echo "launch/local.sh: process $i ended with code $code; the others are stopped" >&2
        kill -TERM "${pids[@]}" 2>/dev/null || true
        deadline=$((SECONDS + 10))
      fi
    fi
  done
  if [ -n "$deadline" ] && ((SECONDS >= deadline && running)); then
    kill -KILL "${pids[@]}" 2>/dev/null || true
  fi
done
trap - EXIT
exit "$status"
