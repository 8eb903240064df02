#!/usr/bin/env bash
# Every worker of a TPU pod slice: launch/tpu_pod.sh SLICE ZONE EXPERIMENT [ARGUMENTS ...]
# The slice has this checkout in ~/medjax with its environment in ~/medjax/.venv (pip install -e '.[tpu]').
set -euo pipefail
slice=${1:?usage: launch/tpu_pod.sh SLICE ZONE EXPERIMENT [ARGUMENTS ...]}
zone=${2:?usage: launch/tpu_pod.sh SLICE ZONE EXPERIMENT [ARGUMENTS ...]}
experiment=${3:?usage: launch/tpu_pod.sh SLICE ZONE EXPERIMENT [ARGUMENTS ...]}
shift 3
gcloud compute tpus tpu-vm ssh "$slice" --zone="$zone" --worker=all \
  --command="cd ~/medjax && .venv/bin/python -m experiments.$experiment $(printf '%q ' "$@") --coordinator=auto"
