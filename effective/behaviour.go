// SPDX-License-Identifier: Apache-2.0

package effective

// behaviour is what one version of a client library does, as its facts say.
type behaviour struct {
	// Chain is the order of the default chain.
	Chain []Credential `json:"chain"`
	// Construction says what the default chain does with a credential that cannot be
	// built: "skip" it, or "fail".
	Construction string `json:"construction"`
	// Sticky is true where a chain stays with the first credential that worked.
	Sticky bool `json:"sticky"`
	// TenantMarks are characters that a tenant may hold beside letters, digits, "." and "-".
	TenantMarks string           `json:"tenantMarks"`
	Selection   *selectionFacts  `json:"selection"`
	Environment environmentFacts `json:"environment"`
	Workload    workloadFacts    `json:"workload"`
	Managed     managedFacts     `json:"managed"`
	Tools       struct {
		// Failure is what a chain does after a developer tool failed.
		Failure string `json:"failure"`
	} `json:"tools"`
}

// selectionFacts say what AZURE_TOKEN_CREDENTIALS does; nil where it is not read.
type selectionFacts struct {
	Groups map[string][]Credential `json:"groups"`
	Names  map[string]Credential   `json:"names"`
	// GroupCase is "exact" or "folded"; names are always folded.
	GroupCase string `json:"groupCase"`
	Trim      bool   `json:"trim"`
	// Empty is what a variable that is set to nothing does: "refused" or "ignored".
	Empty string `json:"empty"`
	// Alone is how managed identity behaves as the only credential: with a "probe", or as
	// if it was used "direct".
	Alone string `json:"alone"`
	// AloneOptions are "dropped" where the options of the chain get lost then.
	AloneOptions string `json:"aloneOptions"`
	// Required is the form of the option that demands variables: "presence" or "list".
	Required string `json:"required"`
}

// environmentFacts say what the credential of secrets and certificates does.
type environmentFacts struct {
	// Presence is "nonempty", or "set" where an empty variable counts as well.
	Presence    string `json:"presence"`
	NeedsTenant bool   `json:"needsTenant"`
	// What follows: "next", "stop" or "constructor".
	MalformedTenant    string `json:"malformedTenant"`
	EmptyValue         string `json:"emptyValue"`
	CertificateMissing string `json:"certificateMissing"`
	Refused            string `json:"refused"`
}

// workloadFacts say what the credential of federated tokens does.
type workloadFacts struct {
	Presence string `json:"presence"`
	// Needs are variables beside the usual three that a default chain wants.
	Needs []string `json:"needs"`
	// Direct is what incomplete settings lead to where the credential is used alone: an
	// error of the "constructor" or of the "call"; "absent" where there is no such credential.
	Direct string `json:"direct"`
	// Options is true where the default chain takes a client ID of its own for it.
	Options         bool   `json:"options"`
	Refused         string `json:"refused"`
	FileMissing     string `json:"fileMissing"`
	MalformedTenant string `json:"malformedTenant"`
}

// managedFacts say what the credential of managed identities does.
type managedFacts struct {
	// Presence tells how variables choose the endpoint; ConstructorPresence and
	// ProbePresence the same for two decisions that some libraries take apart.
	Presence            string       `json:"presence"`
	ConstructorPresence string       `json:"constructorPresence"`
	ProbePresence       string       `json:"probePresence"`
	Sources             []sourceRule `json:"sources"`
	// ClientVariable tells when the default chain takes AZURE_CLIENT_ID: if it is "set", or
	// "nonempty".
	ClientVariable string `json:"clientVariable"`
	// EmptyClient is what an empty client ID is: "sent", "constructor" (refused) or "absent".
	EmptyClient string `json:"emptyClient"`
	// DefaultClient is the variable whose client ID is asked for on Azure ML when none is
	// selected.
	DefaultClient string `json:"defaultClient"`
	// PodHost is true where AZURE_POD_IDENTITY_AUTHORITY_HOST is honoured.
	PodHost bool `json:"podHost"`
	// Exchange is "first" where federated variables win over all endpoints.
	Exchange string `json:"exchange"`
	// WorkloadClient is true where the option for the workload identity's client ID also
	// selects here.
	WorkloadClient bool `json:"workloadClient"`
	// Probe tells when IMDS is probed: never, "default-chain", "chain", "always", or
	// "connect" for a probe that only needs a connection.
	Probe               string `json:"probe"`
	ProbeNeedsJSON      bool   `json:"probeNeedsJSON"`
	ProbeNeedsReachable bool   `json:"probeNeedsReachable"`
	// Patience is the limit in seconds of the first request of a default chain; 0 for none.
	Patience int `json:"patience"`
	// Selectors says by endpoint and kind of selector what becomes of it: "sent",
	// "ignored", "confirmed" (sent, and the answer must repeat it), "call" and
	// "constructor" (refused there), or "absent" (there is no such option).
	Selectors map[Source]map[string]string `json:"selectors"`
	// Answers says by endpoint and answer what a chain does: "next" or "stop".
	Answers map[Source]map[string]string `json:"answers"`
	// Retries are the answers that are asked again.
	Retries map[Source][]string `json:"retries"`
	// SelfSigned is what becomes of a certificate that no authority signed: "refused",
	// "accepted", or "pinned".
	SelfSigned string `json:"selfSigned"`
	// Broken is what follows where no endpoint of managed identities can be used, by a defect
	// of the version.
	Broken string `json:"broken"`
	// Challenge is "needed" where Azure Arc has to answer 401 first.
	Challenge string `json:"challenge"`
}

// sourceRule chooses an endpoint where its condition holds; the first rule wins.
type sourceRule struct {
	Source Source `json:"source"`
	// All are the variables that must be there.
	All []string `json:"all"`
	// File is true where the agent's file on the disk decides.
	File bool `json:"file"`
	// Client is true where a client ID is needed as well, and NeedsClient where its absence
	// is an error.
	Client      bool `json:"client"`
	NeedsClient bool `json:"needsClient"`
	// Plain is true where IMDS is asked without what is special for it: no probe, and the
	// retries of any other endpoint.
	Plain bool `json:"plain"`
}

// reaction returns what a chain does after an answer.
func (m *managedFacts) reaction(s Source, answer string) string {
	if answer == noProbe {
		return thenNext // every library takes an endpoint that does not answer as one that is not there
	}
	for _, src := range []Source{s, anySource} {
		for _, a := range []string{answer, "*"} {
			if r, ok := m.Answers[src][a]; ok {
				return r
			}
		}
	}
	return "stop"
}

// retries reports whether an answer is asked again.
func (m *managedFacts) retries(s Source, transient string) bool {
	list, ok := m.Retries[s]
	if !ok {
		list = m.Retries[anySource]
	}
	for _, code := range list {
		if code == transient || code == transientStatus(transient) {
			return true
		}
	}
	return false
}
