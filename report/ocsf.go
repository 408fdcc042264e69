// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"time"

	"github.com/mivet/mivet"
)

// OCSF writes a run as Compliance Findings (class 2003) of the Open Cybersecurity Schema
// Framework 1.3.0 (ocsf/ocsf-schema events/findings/compliance_finding.json), one JSON
// object a line. What could not be decided is a finding with the status Warning, which
// the schema gives to checks without a result for want of information.
type OCSF struct {
	w io.Writer
	kept
}

// NewOCSF returns a handler that writes to w.
func NewOCSF(w io.Writer) *OCSF { return &OCSF{w: w} }

// The numbers of the schema.
const (
	ocsfVersion    = "1.3.0"
	ocsfCategory   = 2
	ocsfClass      = 2003
	ocsfCreate     = 1
	ocsfWarning    = 2
	ocsfFail       = 3
	ocsfNew        = 1
	ocsfSuppressed = 3
)

var ocsfSeverities = map[mivet.Severity]int{
	mivet.SeverityInfo: 1, mivet.SeverityLow: 2, mivet.SeverityMedium: 3, mivet.SeverityHigh: 4, mivet.SeverityCritical: 5,
}

var ocsfCaptions = map[int]string{0: "Unknown", 1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}

type ocsfEvent struct {
	ActivityID  int              `json:"activity_id"`
	CategoryUID int              `json:"category_uid"`
	ClassUID    int              `json:"class_uid"`
	TypeUID     int              `json:"type_uid"`
	Time        int64            `json:"time"`
	SeverityID  int              `json:"severity_id"`
	Severity    string           `json:"severity"`
	StatusID    int              `json:"status_id"`
	Message     string           `json:"message"`
	Metadata    ocsfMetadata     `json:"metadata"`
	Cloud       ocsfCloud        `json:"cloud"`
	FindingInfo ocsfFindingInfo  `json:"finding_info"`
	Compliance  ocsfCompliance   `json:"compliance"`
	Remediation *ocsfRemediation `json:"remediation,omitzero"`
	Resources   []ocsfResource   `json:"resources,omitzero"`
	Unmapped    map[string]any   `json:"unmapped,omitzero"`
}

type ocsfMetadata struct {
	Version   string      `json:"version"`
	Product   ocsfProduct `json:"product"`
	TenantUID string      `json:"tenant_uid,omitzero"`
	Profiles  []string    `json:"profiles"`
}

type ocsfProduct struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor_name"`
	Version string `json:"version,omitzero"`
}

type ocsfCloud struct {
	Provider string       `json:"provider"`
	Account  *ocsfAccount `json:"account,omitzero"`
}

type ocsfAccount struct {
	UID string `json:"uid"`
}

type ocsfFindingInfo struct {
	UID       string   `json:"uid"`
	Title     string   `json:"title"`
	Desc      string   `json:"desc,omitzero"`
	FirstSeen int64    `json:"first_seen_time,omitzero"`
	Types     []string `json:"types"`
}

type ocsfCompliance struct {
	Standards    []string `json:"standards"`
	Requirements []string `json:"requirements"`
	Control      string   `json:"control"`
	StatusID     int      `json:"status_id"`
	Status       string   `json:"status"`
}

type ocsfRemediation struct {
	Desc       string   `json:"desc"`
	References []string `json:"references,omitzero"`
}

type ocsfResource struct {
	UID  string `json:"uid,omitzero"`
	Name string `json:"name"`
	Type string `json:"type,omitzero"`
}

// Handle keeps the rules, and writes an event for each finding and each open question.
func (o *OCSF) Handle(m Message) error {
	if !o.keep(m) {
		return nil
	}
	for _, f := range o.findings {
		if err := o.write(o.finding(f)); err != nil {
			return err
		}
	}
	for _, u := range o.undecided {
		if err := o.write(o.question(u)); err != nil {
			return err
		}
	}
	return nil
}

func (o *OCSF) write(e *ocsfEvent) error {
	b, err := marshal(e)
	if err == nil {
		_, err = o.w.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing OCSF: %w", err)
	}
	return nil
}

func (o *OCSF) event(rule *RuleMessage, s mivet.Subject, status int) *ocsfEvent {
	at := o.run.Now
	if at.IsZero() {
		at = o.run.TakenAt
	}
	e := &ocsfEvent{
		ActivityID: ocsfCreate, CategoryUID: ocsfCategory, ClassUID: ocsfClass, TypeUID: ocsfClass*100 + ocsfCreate,
		Time: millis(at), StatusID: ocsfNew,
		Metadata: ocsfMetadata{
			Version: ocsfVersion, Product: ocsfProduct{Name: "mivet", Vendor: "mivet", Version: o.run.Version},
			TenantUID: o.run.TenantID, Profiles: []string{"cloud"},
		},
		Cloud:      ocsfCloud{Provider: "Azure"},
		Compliance: ocsfCompliance{Control: rule.ID, StatusID: status, Status: [...]string{"", "Pass", "Warning", "Fail"}[status], Standards: []string{}, Requirements: []string{}},
		Resources:  []ocsfResource{{UID: s.Key(), Name: s.String(), Type: s.Resource.Type()}},
	}
	if sub := s.Resource.SubscriptionID(); sub != "" {
		e.Cloud.Account = &ocsfAccount{UID: sub}
	}
	seen := map[string]bool{}
	for _, c := range rule.Controls {
		if !seen[c.Framework] {
			seen[c.Framework] = true
			e.Compliance.Standards = append(e.Compliance.Standards, c.Framework)
		}
		e.Compliance.Requirements = append(e.Compliance.Requirements, c.Framework+" "+c.ID)
	}
	return e
}

func (o *OCSF) finding(f *FindingMessage) *ocsfEvent {
	rule := o.rule(f.Rule)
	e := o.event(rule, f.Subject, ocsfFail)
	e.SeverityID = ocsfSeverities[f.Severity]
	e.Severity = ocsfCaptions[e.SeverityID]
	e.Message = f.Message
	e.FindingInfo = ocsfFindingInfo{
		UID: f.Fingerprint, Title: rule.Title, Desc: f.Message + "; " + f.Consequence, FirstSeen: millis(f.FirstSeen), Types: []string{f.Category},
	}
	e.Remediation = &ocsfRemediation{Desc: f.Fix.Summary, References: []string{"https://github.com/mivet/mivet/blob/main/docs/rules/" + f.Rule + ".md"}}
	if f.State == SuppressedState {
		e.StatusID = ocsfSuppressed
	}
	if f.Reach != nil {
		e.Unmapped = map[string]any{"reach": f.Reach}
	}
	return e
}

func (o *OCSF) question(u *UndecidedMessage) *ocsfEvent {
	rule := o.rule(u.Rule)
	e := o.event(rule, u.Subject, ocsfWarning)
	e.SeverityID, e.Severity = 1, ocsfCaptions[1]
	e.Message = "not assessed: " + u.Reason
	e.FindingInfo = ocsfFindingInfo{UID: "undecided " + u.Rule + " " + u.Subject.Key(), Title: rule.Title, Desc: u.Reason, Types: []string{rule.Category}}
	if u.Permission != "" {
		e.Remediation = &ocsfRemediation{Desc: "give the reader " + u.Permission}
	}
	return e
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
