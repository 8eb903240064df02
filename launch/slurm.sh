#!/usr/bin/env bash
# One process a node: sbatch --nodes=N [--gpus-per-node=G] launch/slurm.sh EXPERIMENT [ARGUMENTS ...]
#SBATCH --ntasks-per-node=1
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -euo pipefail
experiment=${1:?usage: sbatch launch/slurm.sh EXPERIMENT [ARGUMENTS ...]}
shift
status=0
# A process whose neighbour has died waits in a sum over all of them: it gets a minute.
srun --wait=60 python -m "experiments.$experiment" "$@" --coordinator=auto || status=$?
# 75: asked to end and saved; the requeued job continues.
if [ "$status" -eq 75 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
