// SPDX-License-Identifier: Apache-2.0

package effective

import (
	"slices"
	"strings"
	"testing"
)

func TestVersions(t *testing.T) {
	older := func(a, b string) {
		t.Helper()
		x, err := ParseVersion(a)
		if err != nil {
			t.Fatal(err)
		}
		y, err := ParseVersion(b)
		if err != nil {
			t.Fatal(err)
		}
		if x.Compare(y) >= 0 || y.Compare(x) <= 0 || x.Compare(x) != 0 {
			t.Errorf("%s is not older than %s", a, b)
		}
	}
	older("1.9.0", "1.10.0")
	older("v1.9.0", "1.9.1")
	older("1.6.0-beta.3", "1.6.0")
	older("1.13.0b2", "1.13.0b3")
	older("1.13.0b10", "1.13.0")
	older("1.13.0a1", "1.13.0b1")
	older("4.0.0-beta.1", "4.0.0-rc.1")
	older("1.2.0-alpha.20201006.2", "1.2.0-preview.1")
	older("1.2", "1.2.1")
	older("1.2.3-beta.1+build", "1.2.3")
	for _, bad := range []string{"", "latest", "1.x", "1.2.3-special", "1.2.3.4", "99999999999999999999.0.0", "1.0.0-beta.99999999999999999999"} {
		if v, err := ParseVersion(bad); err == nil {
			t.Errorf("%q is read as version %v", bad, v)
		}
	}
	if v, err := ParseVersion(" 1.2.3 "); err != nil || v.String() != "1.2.3" {
		t.Errorf("blanks: %v, %v", v, err)
	}
}

func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"1.2.3", "v1.6.0-beta.3", "1.13.0b2", "", "1..2", "1.2.3-rc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseVersion(s)
		if err == nil && v.Compare(v) != 0 {
			t.Errorf("%q differs from itself", s)
		}
	})
}

// Each fact has a source and a range that is one, each version that a fact begins with
// has a behaviour, and no behaviour holds a word that the predictor does not know.
func TestFactsAreWhole(t *testing.T) {
	sdks, err := SDKs()
	if err != nil {
		t.Fatal(err)
	}
	if len(sdks) != 5 {
		t.Fatalf("%d libraries are known", len(sdks))
	}
	for _, s := range sdks {
		if s.Package == "" || len(s.Names) == 0 || s.Basis != ObservedRun && s.Basis != FromSource {
			t.Errorf("%s is not described", s.ID)
		}
		for i, f := range s.Facts {
			if f.Source == "" || f.From == "" || len(f.Set) == 0 {
				t.Errorf("%s: fact %d has no source, no begin or says nothing", s.ID, i)
			}
		}
		versions := s.Versions()
		if versions[0] != s.First {
			t.Errorf("%s: the first fact is of %s, not of %s", s.ID, versions[0], s.First)
		}
		for _, text := range append(versions, s.Newest) {
			v, err := ParseVersion(text)
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.behaviour(v)
			if err != nil {
				t.Errorf("%s %s: %v", s.ID, text, err)
				continue
			}
			checkBehaviour(t, s.ID+" "+text, b)
		}
	}
}

func checkBehaviour(t *testing.T, name string, b *behaviour) {
	t.Helper()
	known := func(what, word string, words ...string) {
		t.Helper()
		if !slices.Contains(words, word) {
			t.Errorf("%s: %s is %q, which is none of %v", name, what, word, words)
		}
	}
	known("construction", b.Construction, "skip", "fail")
	known("tools.failure", b.Tools.Failure, thenNext)
	for _, then := range []string{b.Environment.Refused, b.Environment.CertificateMissing, b.Environment.MalformedTenant, b.Workload.Refused, b.Workload.FileMissing, b.Workload.MalformedTenant} {
		known("what follows", then, thenNext, thenStop, atBuild, thenUnknown)
	}
	known("workload.direct", b.Workload.Direct, atBuild, atCall, "absent")
	known("managed.probe", b.Managed.Probe, "", "default-chain", "chain", "always", "connect")
	known("managed.selfSigned", b.Managed.SelfSigned, "refused", "accepted", "pinned")
	known("managed.clientVariable", b.Managed.ClientVariable, "set", "nonempty")
	last := b.Managed.Sources[len(b.Managed.Sources)-1]
	if last.Source != IMDS || len(last.All) > 0 {
		t.Errorf("%s: the last source is not the metadata service", name)
	}
	for _, rule := range b.Managed.Sources {
		for _, kind := range []string{"client", "resource", "object"} {
			known(string(rule.Source)+" "+kind, b.Managed.Selectors[rule.Source][kind], "sent", "ignored", "confirmed", atCall, atBuild, "absent", "")
		}
	}
	for source, answers := range b.Managed.Answers {
		for answer, then := range answers {
			known(string(source)+" "+answer, then, thenNext, thenStop, thenUnknown)
			known("answer", answer, "*", refusedSelector, refusedDefault, unauthorized, forbidden, forbiddenUnreachable, notFound, gone, throttled,
				serverError, notJSON, unreachable, dropped, timedOut, badCertificate, keyUnreadable, unconfirmed, notSelectable, exchangeRefused, noEndpoint)
		}
	}
}

func TestFindSDK(t *testing.T) {
	for word, want := range map[string]string{"azidentity": "go", "@azure/identity": "js", "azure-identity (python)": "python", " Go ": "go", "Azure.Identity": "dotnet"} {
		if s, err := FindSDK(word); err != nil || s == nil || s.ID != want {
			t.Errorf("%q: %v, %v", word, s, err)
		}
	}
	if s, err := FindSDK("cobol"); s != nil || err != nil {
		t.Errorf("cobol: %v, %v", s, err)
	}
}

func TestDamagedFacts(t *testing.T) {
	f := func(s *SDK, version, want string) {
		t.Helper()
		v, err := ParseVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.behaviour(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error about %q", err, want)
		}
	}
	f(&SDK{First: "x"}, "1.0.0", "reading version")
	f(&SDK{First: "1.0.0", Facts: []Fact{{From: "x"}}}, "1.0.0", "reading version")
	f(&SDK{First: "1.0.0", Facts: []Fact{{From: "1.0.0", Before: "x"}}}, "1.0.0", "reading version")
	f(&SDK{First: "1.0.0", Facts: []Fact{{From: "1.0.0", Set: map[string]any{"nonsense": true}}}}, "1.0.0", "nonsense")
}
