// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/contract"
	"github.com/mivet/mivet/internal/collect"
	"github.com/mivet/mivet/internal/probe"
	"github.com/mivet/mivet/internal/trial"
)

type testFlags struct {
	in       inputFlags
	out      output
	azure    azureFlags
	contract contractFlags
	record   recordFlags
	live     bool
	identity string
}

func (a *app) testCommand() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:     "test [INPUT...]",
		Short:   "run the access tests of the contract: simulated, or live with the workload's own token",
		GroupID: groupInside,
		Example: "  mivet test prod.mivet --stage prod                          simulated\n" +
			"  mivet test --live --identity orders-api --auth managed-identity   in the workload\n" +
			"  mivet test prod.mivet --live --identity orders-api --record",
		Long: "Simulated, each test is put to INPUT, which is what mivet scan reads. With --live the services\n" +
			"themselves are asked, with the token of the identity that runs mivet: Key Vault, Blob, Queue and\n" +
			"Table Storage, Service Bus, Cosmos DB, App Configuration, Azure OpenAI and Resource Manager.\n" +
			"Only requests are sent that change nothing even if they are allowed: reading, names that nobody\n" +
			"uses, preconditions that cannot hold. Where there is no such request, as for sending, the test is\n" +
			"simulated on INPUT, and marked so. Of an answer the status and an error code are kept.\n\n" +
			"The exit code is 1 if a test fails or another identity is presented, 4 if one cannot be decided.",
		Args: a.args(0, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.test(ctx, &f, args) }),
	}
	f.in.registerDemo(cmd)
	f.out.register(cmd, formatText, formatJSON)
	f.azure.register(cmd)
	f.contract.register(cmd, "the contract (default: mivet.yaml in this folder or the nearest above)")
	f.record.register(cmd)
	fl := cmd.Flags()
	fl.BoolVar(&f.live, "live", false, "ask the services themselves, as the identity that runs mivet")
	fl.StringVar(&f.identity, "identity", "", "only the tests of this identity of the contract; with --live it must be the one that runs mivet")
	return cmd
}

// How a test was put.
const (
	modeSimulated = "simulated"
	modeLive      = "live"
)

// trialResult is one test with its answer.
type trialResult struct {
	Identity string `json:"identity"`
	Test     string `json:"test"`
	// Mode is "live" or "simulated".
	Mode      string `json:"mode"`
	Verdict   string `json:"verdict"` // passed, failed or undecided
	Answer    string `json:"answer"`  // allowed, denied or unknown
	Operation string `json:"operation,omitzero"`
	Target    string `json:"target,omitzero"`
	// Status and Code are those of a live answer.
	Status int          `json:"status,omitzero"`
	Code   string       `json:"code,omitzero"`
	Why    string       `json:"why,omitzero"`
	Source mivet.Source `json:"source,omitzero"`
}

const (
	verdictPassed    = "passed"
	verdictFailed    = "failed"
	verdictUndecided = "undecided"
)

func (a *app) test(ctx context.Context, f *testFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	terms, err := a.terms(&f.contract)
	if err != nil {
		return exitFailed, err
	}
	t := &trials{app: a, terms: terms}
	if err := t.choose(f.identity, f.live); err != nil {
		return exitUsage, err
	}
	if err := t.readInputs(ctx, f, args); err != nil {
		return exitFailed, err
	}
	if f.live {
		if err := t.signIn(ctx, &f.azure); err != nil {
			return exitFailed, err
		}
	}
	for i := range t.bound.Bindings {
		if x := &t.bound.Bindings[i]; t.only == "" || t.only == x.Name {
			if err := t.identity(ctx, x); err != nil {
				return exitFailed, err
			}
		}
	}
	if len(t.results) == 0 {
		return exitFailed, errorWithHint(errors.New("the contract has no access test to run"), "write tests: with can, cannot and on")
	}
	if err := a.emit(&f.out, t.write); err != nil {
		return exitFailed, err
	}
	return t.code(), a.record(&f.record, terms, t.part())
}

// trials are the tests of one run.
type trials struct {
	app    *app
	terms  *terms
	only   string
	bound  *contract.Bound
	engine *authz.Engine // nil where nothing can be simulated
	snap   *mivet.Snapshot

	runner  *trial.Runner // nil where nothing is live
	hosts   trial.Hosts
	oid     mivet.PrincipalID
	results []trialResult
}

// choose settles whose tests are run. Live it is one identity, since one token is presented.
func (t *trials) choose(name string, live bool) error {
	c := t.terms.contract
	switch {
	case name != "" && c.Identity(name) == nil:
		var names []string
		for i := range c.Identities {
			names = append(names, c.Identities[i].Name)
		}
		err := usagef("the contract has no identity %q", name)
		if meant := near(name, names, 1); len(meant) > 0 {
			return errorWithHint(err, fmt.Sprintf("did you mean %s?", meant[0]))
		}
		return err
	case live && name == "" && len(c.Identities) != 1:
		return errorWithHint(usagef("the contract has %d identities", len(c.Identities)), "say with --identity which one runs mivet here")
	case live && name == "":
		name = c.Identities[0].Name
	}
	t.only = name
	return nil
}

// readInputs reads what tests are simulated on, and names are found in. Live it may be
// missing.
func (t *trials) readInputs(ctx context.Context, f *testFlags, args []string) error {
	t.snap = &mivet.Snapshot{}
	names, _ := t.app.defaultInput()
	if !f.live || len(args) > 0 || f.in.demo || len(names) > 0 {
		r, err := t.app.read(ctx, &f.in, args)
		if err != nil {
			return err
		}
		cat, err := t.app.catalog()
		if err != nil {
			return err
		}
		t.app.tellGaps(r.snap)
		t.snap, t.engine = r.snap, authz.New(r.snap, authz.Options{Catalog: cat})
	}
	t.bound = contract.Bind(t.terms.contract, t.snap, mivet.NewIndex(t.snap))
	return nil
}

// signIn gets the token of the identity that runs mivet, and looks who that is.
func (t *trials) signIn(ctx context.Context, f *azureFlags) error {
	config, err := t.app.azure(ctx, f)
	if err != nil {
		return err
	}
	t.runner = trial.NewRunner(config.Credential, config.Transport, t.app.version(), t.app.Clock)
	t.hosts = hostsOf(&config.Cloud)
	token, err := config.Credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{config.Cloud.Audience + "/.default"}})
	if err != nil {
		return fmt.Errorf("getting a token: %w", err)
	}
	claims, err := probe.ReadClaims(token.Token)
	if err != nil {
		return err
	}
	t.oid = claims.Principal
	return nil
}

func hostsOf(c *collect.Cloud) trial.Hosts {
	return trial.HostsOf(c.Name, c.ResourceManager, c.Audience)
}

// identity runs the tests of one identity.
func (t *trials) identity(ctx context.Context, x *contract.Binding) error {
	if t.runner != nil {
		t.presented(x)
	}
	for i := range x.Tests {
		if err := t.one(ctx, x, &x.Tests[i]); err != nil {
			return err
		}
	}
	return nil
}

// presented compares the identity that is presented with the one of the contract.
func (t *trials) presented(x *contract.Binding) {
	want := x.Principal
	if want == "" {
		want, _ = t.terms.captured.Of(t.terms.contract, x.Identity)
	}
	if want == "" {
		want = x.Held
	}
	r := trialResult{
		Identity: x.Name, Test: "presents its own principal", Mode: modeLive, Answer: string(t.oid), Verdict: verdictPassed,
		Source: x.Place("principal").Source(),
	}
	switch {
	case want == "":
		r.Verdict, r.Why = verdictUndecided, "nothing says which principal it has: write it into the contract, or give outputs or an INPUT"
	case want != t.oid:
		r.Verdict, r.Why = verdictFailed, fmt.Sprintf("the token is of %s, and the contract is about %s", t.oid, want)
	}
	t.results = append(t.results, r)
}

func (t *trials) one(ctx context.Context, x *contract.Binding, b *contract.BoundTest) error {
	r := trialResult{Identity: x.Name, Test: b.String(), Mode: modeSimulated, Source: b.At.Source()}
	if b.Err != nil {
		r.Answer, r.Verdict, r.Why = authz.Unknown.String(), verdictUndecided, b.Err.Error()
		t.results = append(t.results, r)
		return nil //nolint:nilerr // what the contract leaves open is the result, not a failure
	}
	r.Operation, r.Target = b.Question.Operation.String(), b.Target.ID.String()
	var no string
	if t.runner != nil {
		q, err := trial.For(t.hosts, b.Question.Operation, b.Target.ID)
		switch {
		case errors.Is(err, trial.ErrNoRequest):
			no = trial.ErrNoRequest.Error()
		case err != nil:
			return err
		default:
			if err := t.live(ctx, q, b.Allowed, &r); err != nil {
				return err
			}
			t.results = append(t.results, r)
			return nil
		}
	}
	t.simulate(x, b, &r, no)
	t.results = append(t.results, r)
	return nil
}

// live asks the service itself.
func (t *trials) live(ctx context.Context, q *trial.Request, allowed bool, r *trialResult) error {
	r.Mode = modeLive
	o, failed := t.runner.Run(ctx, q)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed != nil: // the test is undecided, and the others are run
		o = trial.Outcome{Answer: trial.Unclear, Why: failed.Error()}
	}
	r.Status, r.Code, r.Why, r.Answer = o.Status, o.Code, o.Why, string(o.Answer)
	switch o.Answer {
	case trial.Unclear:
		r.Answer, r.Verdict = authz.Unknown.String(), verdictUndecided
	case trial.Allowed, trial.Denied:
		r.Verdict = verdictOf((o.Answer == trial.Allowed) == allowed)
	}
	return nil
}

func verdictOf(ok bool) string {
	if ok {
		return verdictPassed
	}
	return verdictFailed
}

// simulate asks the engine. no says why the service was not asked, where it should have been.
func (t *trials) simulate(x *contract.Binding, b *contract.BoundTest, r *trialResult, no string) {
	switch {
	case t.engine == nil:
		r.Answer, r.Verdict, r.Why = authz.Unknown.String(), verdictUndecided, no+", and there is no INPUT to simulate it on"
		return
	case x.Presence != contract.Present || x.Held == "":
		r.Answer, r.Verdict, r.Why = authz.Unknown.String(), verdictUndecided, "the identity is not in the input: "+x.Problem
		return
	}
	d := t.engine.Check(authz.Request{Principal: x.Held, Operation: b.Question.Operation, Plane: b.Question.Plane, Resource: b.Target.ID})
	r.Answer, r.Why = d.Effect.String(), d.Cause.String()
	if no != "" {
		r.Why = no + "; simulated: " + r.Why
	}
	switch d.Effect {
	case authz.Unknown:
		r.Verdict = verdictUndecided
	case authz.Allowed, authz.Denied:
		r.Verdict = verdictOf((d.Effect == authz.Allowed) == b.Allowed)
	}
}

func (t *trials) count(verdict string) int {
	n := 0
	for i := range t.results {
		if t.results[i].Verdict == verdict {
			n++
		}
	}
	return n
}

func (t *trials) code() int {
	switch {
	case t.count(verdictFailed) > 0:
		return exitFound
	case t.count(verdictUndecided) > 0:
		return exitUndecided
	}
	return exitOK
}

// part is what a record keeps of the run.
func (t *trials) part() *part {
	p := &part{kind: recordTest, code: t.code(), inputs: t.snap.Inputs, taken: t.snap.TakenAt, tests: len(t.results), open: t.count(verdictUndecided)}
	for i := range t.results {
		r := &t.results[i]
		if r.Mode == modeLive {
			p.live++
		}
		if r.Verdict == verdictFailed {
			p.failed = append(p.failed, r.Identity+": "+r.Test)
		}
	}
	return p
}

// testJSON is a run of access tests.
type testJSON struct {
	SchemaVersion int    `json:"schemaVersion"`
	Contract      string `json:"contract"`
	Hash          string `json:"hash"`
	Stage         string `json:"stage,omitzero"`
	// Presented is the principal whose token was sent; absent where nothing was live.
	Presented string        `json:"presented,omitzero"`
	Tests     []trialResult `json:"tests"`
}

func (t *trials) write(w io.Writer, format string, colour bool) error {
	c := t.terms.contract
	if format == formatJSON {
		j := testJSON{SchemaVersion: 1, Contract: c.File, Hash: c.Hash, Presented: string(t.oid), Tests: t.results}
		if c.Stage != nil {
			j.Stage = c.Stage.Name
		}
		return writeAnswer(w, "test", j)
	}
	p := newPrinter(w, colour)
	last := ""
	for i := range t.results {
		r := &t.results[i]
		if r.Identity != last {
			p.printf("%s (%s)\n", bold(r.Identity), c.Title())
			last = r.Identity
		}
		word := green("pass ")
		switch r.Verdict {
		case verdictFailed:
			word = red("FAIL ")
		case verdictUndecided:
			word = yellow("?    ")
		}
		p.printf("  %s %-9s  %s\n", word, r.Mode, r.Test)
		if r.Verdict == verdictPassed && r.Mode == modeSimulated && t.runner == nil {
			continue
		}
		why := r.Why
		if r.Status != 0 {
			why = fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Why)
			if r.Code == "" {
				why = fmt.Sprintf("%d: %s", r.Status, r.Why)
			}
		}
		if why != "" {
			p.printf("                   %s\n", why)
		}
	}
	p.printf("%s passed, %d failed, %d undecided\n", counted(t.count(verdictPassed), "test"), t.count(verdictFailed), t.count(verdictUndecided))
	return p.err
}
