#!/bin/sh
# Checks a plan in a pipeline: text to the log, a report in Markdown as the summary of the job, SARIF for code scanning.
# usage: check.sh PLAN [ARGUMENT...]     further arguments are those of mivet check
# MIVET_BIN is the program, MIVET_REPORTS the folder of the reports, MIVET_UNDECIDED=pass lets pass what is not decided.
# Flags can be given as variables too: MIVET_CONTRACT, MIVET_STAGE, MIVET_AGAINST.
set -u
plan=${1:?usage: check.sh PLAN [ARGUMENT...]}
shift
reports=${MIVET_REPORTS:-.}
mkdir -p "$reports" || exit 3
"${MIVET_BIN:-mivet}" check "$plan" --output - --output "$reports/mivet.md" --output "$reports/mivet.sarif" "$@"
code=$?
if [ -f "$reports/mivet.md" ]; then
	if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
		cat "$reports/mivet.md" >>"$GITHUB_STEP_SUMMARY"
	fi
	if [ -n "${TF_BUILD:-}" ]; then
		echo "##vso[task.uploadsummary]$(cd "$reports" && pwd)/mivet.md"
	fi
fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
	printf 'code=%s\nreport=%s\nsarif=%s\n' "$code" "$reports/mivet.md" "$reports/mivet.sarif" >>"$GITHUB_OUTPUT"
fi
if [ "$code" -eq 4 ] && [ "${MIVET_UNDECIDED:-fail}" = pass ]; then
	exit 0
fi
exit "$code"
