// SPDX-License-Identifier: Apache-2.0

package effective

import "fmt"

// Outcome is how a request for a token ends.
type Outcome string

// The outcomes.
const (
	Token   Outcome = "token"   // it gets one
	Failure Outcome = "failure" // the call fails
	Refused Outcome = "refused" // the credential cannot be built
	Unknown Outcome = "unknown" // an input that decides is missing
)

// PresentedKind is the sort of identity that a token is for.
type PresentedKind string

// The sorts of identities.
const (
	SystemAssigned PresentedKind = "system-assigned"
	UserAssigned   PresentedKind = "user-assigned"
	Application    PresentedKind = "application" // a service principal or a federated identity, by its client ID
	Person         PresentedKind = "person"      // whoever is signed in to a developer tool
)

// Presented is the identity that a token is for.
type Presented struct {
	Kind PresentedKind `json:"kind"`
	ManagedIdentity
}

// String names the identity for people.
func (p Presented) String() string {
	switch {
	case p.Kind == Person:
		return "the person who is signed in to the Azure CLI"
	case p.Kind == Application:
		return "application " + p.ClientID
	case p.Name != "":
		return fmt.Sprintf("%s identity %s", p.Kind, p.Name)
	}
	return string(p.Kind) + " identity"
}

// Step is one thing that the library does on its way.
type Step struct {
	Credential Credential `json:"credential"`
	// Did says what happened, a clause without a full stop.
	Did string `json:"did"`
	// Then is what follows: "token", "next" or "stop".
	Then string `json:"then"`
}

// Prediction is what a process presents.
type Prediction struct {
	Outcome    Outcome    `json:"outcome"`
	Credential Credential `json:"credential,omitzero"`
	Source     Source     `json:"source,omitzero"`
	Identity   Presented  `json:"identity,omitzero"`
	// Missing says what would have to be known, where the outcome is unknown.
	Missing string `json:"missing,omitzero"`
	// Steps lead there, in their order.
	Steps []Step `json:"steps,omitzero"`
	Basis Basis  `json:"basis,omitzero"`
}

// Predict says what a process presents. An error tells that the library or its version is
// not known; [Possible] answers then.
func Predict(p *Process) (*Prediction, error) {
	sdk, err := FindSDK(p.SDK)
	if err != nil {
		return nil, err
	}
	if sdk == nil {
		return nil, &UnknownSDKError{p.SDK}
	}
	v, err := ParseVersion(p.Version)
	if err != nil {
		return nil, err
	}
	b, err := sdk.behaviour(v)
	if err != nil {
		return nil, err
	}
	r := &run{process: p, behaviour: b, asked: map[Source]bool{}}
	out, err := r.predict()
	if err != nil {
		return nil, err
	}
	out.Basis = sdk.BasisOf(p.Version)
	return out, nil
}

// UnknownSDKError says that nothing is known of a client library.
type UnknownSDKError struct{ Name string }

func (e *UnknownSDKError) Error() string {
	return fmt.Sprintf("client library %q is not known; go, js, python, dotnet and java are", e.Name)
}

// run is one process at work.
type run struct {
	process   *Process
	behaviour *behaviour
	steps     []Step
	// asked are the endpoints that were asked for a token before, and won is the
	// credential that a chain stays with.
	asked map[Source]bool
	won   Credential
	// plain is true where IMDS is asked as any endpoint is.
	plain bool
	// need is what a live host has to be asked.
	need *Need
}

// verdict is how one credential ended.
type verdict struct {
	then   string // "token", "next", "stop" or "constructor"
	source Source
	who    Presented
}

const (
	thenToken   = "token"
	thenNext    = "next"
	thenStop    = "stop"
	thenUnknown = "unknown"
	atBuild     = "constructor"
	atCall      = "call"
)

func (r *run) step(c Credential, then, format string, args ...any) {
	r.steps = append(r.steps, Step{Credential: c, Did: fmt.Sprintf(format, args...), Then: then})
}

func (r *run) predict() (*Prediction, error) {
	var out *Prediction
	for range max(1, r.process.Calls) {
		r.steps = nil
		var err error
		if out, err = r.call(); err != nil {
			return nil, err
		}
		if r.need != nil {
			return nil, &NeedError{*r.need}
		}
		out.Steps = r.steps
		if out.Outcome == Refused {
			break
		}
	}
	return out, nil
}

// call is one request for a token.
func (r *run) call() (*Prediction, error) {
	switch r.process.API {
	case Default:
		return r.defaultChain()
	case Managed:
		return r.alone(ManagedIdentityCredential)
	case Workload:
		return r.alone(WorkloadIdentityCredential)
	case ManagedThenCLI:
		return r.chain([]Credential{ManagedIdentityCredential, AzureCLICredential}, mode{chained: true})
	}
	return nil, fmt.Errorf("%q is no way to ask for a token that is known", r.process.API)
}

// mode says how a credential is used.
type mode struct {
	chained bool // errors may let another credential try
	inside  bool // it is a part of the default chain, which takes variables into account
	alone   bool // the only one that was selected
}

func (r *run) alone(c Credential) (*Prediction, error) {
	return r.chain([]Credential{c}, mode{})
}

// chain builds credentials and tries them in order.
func (r *run) chain(list []Credential, m mode) (*Prediction, error) {
	if r.won != "" {
		list = []Credential{r.won}
	}
	usable := make([]Credential, 0, len(list))
	for _, c := range list {
		why := r.build(c, m)
		if why == "" {
			usable = append(usable, c)
			continue
		}
		refused := !m.inside || r.behaviour.Construction == "fail"
		if refused {
			r.step(c, thenStop, "%s", why)
			return &Prediction{Outcome: Refused}, nil
		}
		r.step(c, thenNext, "%s", why)
	}
	for _, c := range usable {
		v, err := r.try(c, m)
		if err != nil {
			return nil, err
		}
		switch v.then {
		case thenToken:
			if r.behaviour.Sticky && m.chained {
				r.won = c
			}
			return &Prediction{Outcome: Token, Credential: c, Source: v.source, Identity: v.who}, nil
		case thenStop:
			return &Prediction{Outcome: Failure}, nil
		case thenUnknown:
			return &Prediction{Outcome: Unknown, Missing: fmt.Sprintf("what %s does next is not known", r.process.SDK)}, nil
		}
	}
	return &Prediction{Outcome: Failure}, nil
}

// build returns why a credential cannot be built; empty if it can.
func (r *run) build(c Credential, m mode) string {
	switch c {
	case EnvironmentCredential:
		return r.buildEnvironment()
	case WorkloadIdentityCredential:
		return r.buildWorkload(m)
	case ManagedIdentityCredential:
		return r.buildManaged(m)
	case AzureCLICredential:
		return ""
	}
	return "" // so can the other developer tools
}

// try uses one credential.
func (r *run) try(c Credential, m mode) (verdict, error) {
	switch c {
	case EnvironmentCredential:
		return r.environment(), nil
	case WorkloadIdentityCredential:
		return r.workload(m), nil
	case ManagedIdentityCredential:
		return r.managed(m)
	case AzureCLICredential:
		return r.commandLine(), nil
	}
	r.step(c, thenNext, "nobody is signed in to %s", c)
	return verdict{then: r.behaviour.Tools.Failure}, nil
}

func (r *run) commandLine() verdict {
	if r.live() {
		return r.commandLineLive()
	}
	if !r.process.Host.CLI {
		r.step(AzureCLICredential, thenNext, "no az is on the path")
		return verdict{then: r.behaviour.Tools.Failure}
	}
	r.step(AzureCLICredential, thenToken, "az gives a token of the person who is signed in")
	return verdict{then: thenToken, source: DeveloperTool, who: Presented{Kind: Person}}
}
