// SPDX-License-Identifier: Apache-2.0

package iac

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/armtemplate"
)

var update = flag.Bool("update", false, "write the golden files")

// printed writes the facts of a snapshot, one a line, each with its place.
func printed(s *mivet.Snapshot) string {
	var b strings.Builder
	line := func(src mivet.Source, format string, args ...any) {
		fmt.Fprintf(&b, format, args...)
		if src.Origin != nil {
			fmt.Fprintf(&b, "  <%d %s>", src.Line, src.Origin.Address)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "snapshot of %s taken %s from %v\n", s.TenantID, s.TakenAt.Format(time.RFC3339), s.Inputs)
	for _, g := range s.ManagementGroups {
		line(g.Source, "management group %s %q below %s", g.ID, g.Name, g.Parent)
	}
	for _, v := range s.Subscriptions {
		line(v.Source, "subscription %s %q below %s", v.ID, v.Name, v.Parent)
	}
	for i := range s.Resources {
		printResource(line, &s.Resources[i])
	}
	for _, v := range s.Identities {
		line(v.Source, "identity %s of %s: principal %q client %q", v.Kind, v.Resource, v.Principal, v.ClientID)
	}
	for _, v := range s.Principals {
		line(v.Source, "principal %q %s %q client %q managed %v disabled %v", v.ID, v.Type, v.Name, v.ClientID, v.Managed, v.Disabled)
	}
	for _, v := range s.Memberships {
		line(v.Source, "member %q of %q", v.Member, v.Group)
	}
	for _, v := range s.Ownerships {
		line(v.Source, "owner %q of %q", v.Owner, v.Owned)
	}
	for _, v := range s.FederatedCredentials {
		line(v.Source, "credential %s of %s%s: %s %s %v", v.Name, v.Identity, v.AppObjectID, v.Issuer, v.Subject, v.Audiences)
	}
	printGrants(line, s)
	for _, v := range s.Declarations {
		line(v.Source, "declared %s %s %v %s identity %q user-assigned %v first %v grant %v credential %v policies %d fixed name %v version %q", v.Address, v.Type, v.Actions, v.Resource,
			v.IdentityType, v.UserAssigned, v.FirstPrincipal, v.Grant, v.FederatedCredential, v.InlinePolicies, v.FixedName, v.APIVersion)
	}
	for _, v := range s.Gaps {
		line(v.Source, "gap %s at %q about %q: %s", v.Facts, v.Scope, v.Subject, v.Reason)
	}
	return b.String()
}

func printResource(line func(mivet.Source, string, ...any), r *mivet.Resource) {
	var text strings.Builder
	fmt.Fprintf(&text, "resource %s in %s", r.ID, r.Location)
	if r.Identity != nil {
		fmt.Fprintf(&text, " carries system %v %q user %v", r.Identity.System, r.Identity.SystemPrincipal, r.Identity.User)
	}
	if d := r.Detail; d != nil {
		fmt.Fprintf(&text, " kind %q tags %v", d.Kind, d.Tags)
		for _, k := range sortedKeys(d.Settings) {
			fmt.Fprintf(&text, " %s=%s", k, d.Settings[k])
		}
	}
	line(r.Source, "%s", text.String())
}

func printGrants(line func(mivet.Source, string, ...any), s *mivet.Snapshot) {
	for _, v := range s.RoleDefinitions {
		line(v.Source, "role %s %q %v at %v", v.ID, v.Name, v.Permissions, v.AssignableScopes)
	}
	for _, v := range s.RoleAssignments {
		line(v.Source, "assignment %s of %q %q to %q (%s) at %s eligible %v from %d to %d condition %q unknown %v", v.ID, v.Role, v.RoleName, v.Principal, v.PrincipalType,
			v.Scope, v.Eligible, max(0, v.Start.Unix()), max(0, v.End.Unix()), v.Condition, v.ConditionUnknown)
	}
	for _, v := range s.AccessPolicies {
		line(v.Source, "policy in %s for %q: keys %v secrets %v certificates %v", v.Vault, v.Principal, v.Keys, v.Secrets, v.Certificates)
	}
	for _, v := range s.LocalRoles {
		line(v.Source, "local role %s %s %q in %s: %v", v.System, v.ID, v.Name, v.Account, v.DataActions)
	}
	for _, v := range s.LocalGrants {
		line(v.Source, "local grant %s of %q to %q in %s at %q", v.System, v.Role, v.Principal, v.Account, v.Scope)
	}
	for _, v := range s.PathACLs {
		line(v.Source, "path %s %s: %s %q %s", v.Container, v.Path, v.Tag, v.Principal, v.Permissions)
	}
	for _, v := range s.AppRoles {
		line(v.Source, "app role %s of %q %q to %q", v.RoleID, v.API, v.APIName, v.Principal)
	}
	for _, v := range s.DirectoryRoles {
		line(v.Source, "directory role %s %q to %q at %s eligible %v", v.RoleID, v.Role, v.Principal, v.DirectoryScope, v.Eligible)
	}
	for _, v := range s.Delegations {
		line(v.Source, "delegation at %s to %s: %v", v.Scope, v.ManagingTenant, v.Grants)
	}
	for _, v := range s.Locks {
		line(v.Source, "lock %s at %s", v.Level, v.Scope)
	}
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 {
		t.Fatalf("only %v", files)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			s := readFile(t, name)
			golden := name + ".golden"
			got := printed(s)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("facts differ (-want +got):\n%s", d)
			}
			for _, secret := range []string{"hunter2", "topsecret"} {
				if strings.Contains(got, secret) {
					t.Errorf("%s left the package", secret)
				}
			}
		})
	}
}

func readFile(t *testing.T, name string) *mivet.Snapshot {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read := ReadTerraform
	switch {
	case strings.Contains(name, "hound"):
		read = ReadAzureHound
	case strings.Contains(name, ".template."):
		read = readTemplate
	case strings.Contains(name, ".whatif."):
		read = ReadWhatIf
	case strings.Contains(name, ".snapshot."):
		read = ReadPredicted
	}
	s, err := read(context.Background(), filepath.Base(name), f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readTemplate reads a template that is deployed to the group g.
func readTemplate(ctx context.Context, name string, r io.Reader) (*mivet.Snapshot, error) {
	return ReadTemplate(ctx, name, r, TemplateOptions{Target: armtemplate.Target{Subscription: testSub, ResourceGroup: "g"}})
}
