#!/usr/bin/env bash
# What action.yml runs: one `migsafe lint` for annotations, comment and SARIF. Ends with its exit code.
# Reads MIGSAFE_REVISION, MIGSAFE_ARGUMENTS, MIGSAFE_WORKING_DIRECTORY, MIGSAFE_COMMENT and GitHub's own variables.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/migsafe.XXXXXX")
cd "${MIGSAFE_WORKING_DIRECTORY:-.}"

what=()
if [ -n "${MIGSAFE_REVISION:-}" ]; then
  what=("$MIGSAFE_REVISION")
elif [ -n "${GITHUB_BASE_REF:-}" ]; then
  # actions/checkout fetches the pull request alone.
  base=refs/remotes/origin/$GITHUB_BASE_REF
  if ! git rev-parse --quiet --verify "$base" >/dev/null; then
    git fetch --quiet --no-tags --depth=1 origin "+refs/heads/$GITHUB_BASE_REF:$base"
  fi
  what=(--base-ref "origin/$GITHUB_BASE_REF")
fi
read -r -a more <<<"${MIGSAFE_ARGUMENTS:-}" || true

code=0
migsafe lint "${what[@]}" "${more[@]}" --format github \
  --output "markdown:$folder/comment.md" --output "sarif:$folder/migsafe.sarif" || code=$?

if [ -s "$folder/comment.md" ]; then
  if [ -n "${GITHUB_OUTPUT:-}" ]; then
    printf 'sarif=%s\ncomment=%s\n' "$folder/migsafe.sarif" "$folder/comment.md" >>"$GITHUB_OUTPUT"
  fi
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    cat "$folder/comment.md" >>"$GITHUB_STEP_SUMMARY"
  fi
  if [ "${MIGSAFE_COMMENT:-true}" = true ]; then
    python3 "$here/comment.py" "$folder/comment.md"
  fi
fi
exit "$code"
