// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestTerraform points Terraform, or OpenTofu, with the real providers of Azure at the
// laboratory. MIVET_TERRAFORM names the program; without it nothing is run, since it and its
// providers have to be fetched.
func TestTerraform(t *testing.T) {
	program := os.Getenv("MIVET_TERRAFORM")
	if program == "" {
		t.Skip(`MIVET_TERRAFORM is not set; "make terraform" sets it`)
	}
	p := scripts("../../testdata/terraform")
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error {
		e.Setenv("TERRAFORM", program)
		e.Setenv("SCRIPT_CLOCK", "machine")
		e.Setenv("CHECKPOINT_DISABLE", "1")
		e.Setenv("SUBSCRIPTION", "/subscriptions/11111111-0000-4000-8000-000000000001")
		e.Setenv("GROUP", "/subscriptions/11111111-0000-4000-8000-000000000001/resourceGroups/shop")
		// What says how the providers are found and fetched, before the lab is there.
		for _, name := range []string{"TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
			if value, there := os.LookupEnv(name); there {
				e.Setenv(name, value)
			}
		}
		return setup(e)
	}
	testscript.Run(t, p)
}
