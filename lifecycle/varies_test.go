// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"strings"
	"testing"

	"github.com/mivet/mivet/tenant"
)

func TestPerWhat(t *testing.T) {
	f := func(want string, names ...string) {
		t.Helper()
		for _, n := range names {
			if _, got := perWhat([]string{"var.prefix", n}); got != want {
				t.Errorf("%s: %q, want %q", n, got, want)
			}
		}
	}
	f("pull request", "var.pr_number", "var.prNumber", "local.pr_id", "var.pr", "var.pull_request", "var.pull_request_number", "var.pullRequests", "var.github_pull_request_id", "local.pullrequest", "var.prs", "var.gitlab_mr_id", "var.PR")
	f("run", "var.run_id", "local.github_run_id", "var.runNumber")
	f("build", "var.build_number", "local.buildId")
	f("job", "var.job_id")
	// Close to these, and of another sense.
	f("", "var.environment", "terraform.workspace", "var.pr_region", "var.primary", "var.project", "var.run", "var.job_name", "var.build", "var.prefix_number", "var.price_id", "var.hr_pr_team", "var.run_id_prefix", "local.subscription_id", "var.pull_policy")
}

// What makes a resource anew for each job or pull request, and what only looks so.
func TestShortLived(t *testing.T) {
	s, err := tenant.Parse("t", strings.NewReader(`tenant t
subscription s
rg g in s
rg preview in s tag.pull-request=412
rg built in s tag.build-id=77
vm runner in g system
vm tagged in g system tag.pr_number=9
vm bare in g system tag.pr_number=""
webapp inside in preview system
webapp shop in g system
webapp staged in g system
webapp shown in g system
webapp stamped in built system
vmss agents in g system
containerjob nightly in g system
resource Microsoft.MachineLearningServices/workspaces/computes train in ws
ml ws in g
declare azurerm_linux_virtual_machine.runner azurerm_linux_virtual_machine of runner actions=create varies=var.location,var.run_id
declare azurerm_linux_web_app.shop azurerm_linux_web_app of shop actions=create varies=var.environment
declare azurerm_linux_web_app.staged azurerm_linux_web_app of staged actions=create varies=terraform.workspace
declare azurerm_linux_web_app.shown azurerm_linux_web_app of shown actions=create varies=var.preview_name
declare azurerm_linux_virtual_machine_scale_set.agents azurerm_linux_virtual_machine_scale_set of agents actions=update
declare azurerm_container_app_job.nightly azurerm_container_app_job of nightly actions=update
`), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	signs := NewSigns(s)
	f := func(name, want, open string) {
		t.Helper()
		for _, r := range s.Resources {
			if r.ID.Name() != name {
				continue
			}
			var got strings.Builder
			for _, e := range signs.Of(r.ID) {
				got.WriteString(e.Fact)
			}
			if !strings.Contains(got.String(), want) || (want == "") != (got.String() == "") {
				t.Errorf("%s: %q, want %q", name, got.String(), want)
			}
			if got := signs.Open(r.ID); !strings.Contains(got, open) || (open == "") != (got == "") {
				t.Errorf("%s is open: %q, want %q", name, got, open)
			}
			return
		}
		t.Errorf("there is no %s", name)
	}
	f("runner", "azurerm_linux_virtual_machine.runner is made anew for each run: it is named by var.run_id", "")
	f("tagged", "tagged is made for one pull request: its tag pr_number is 9", "")
	f("bare", "", "")
	f("inside", "preview is made for one pull request: its tag pull-request is 412", "")
	f("shop", "", "")
	f("staged", "", "hangs on the workspace, and whether each pull request has one of its own is not in the input")
	f("shown", "", "hangs on var.preview_name, and how long")
	f("stamped", "", "") // each deployment writes such a tag, also of what stays
	f("agents", "", "")  // machines of a scale set share its identity
	f("nightly", "", "")
	f("train", "", "")
}
