// SPDX-License-Identifier: Apache-2.0

package denial

import (
	"errors"
	"io"
	"strings"

	"github.com/mivet/mivet/logs"
)

// services are those whose logs tell of uses.
var services = map[logs.Log]Service{
	logs.Activity: ResourceManager, logs.EventGrid: ResourceManager, logs.KeyVault: KeyVault, logs.ManagedHSM: ManagedHSM, logs.Storage: Storage,
	logs.ServiceBus: ServiceBus, logs.EventHubs: EventHubs, logs.Cosmos: CosmosDB, logs.AppConfiguration: AppConfiguration, logs.Graph: Graph,
}

// entries reads a record as an entry of one of Azure's logs, or as a batch of them. It is
// false where the record is something else, or an entry that names no right: its text may
// tell more.
func (s *Series) entries(r *record) bool {
	if !strings.HasPrefix(r.text, "{") {
		return false
	}
	if head := r.text[:min(len(r.text), 64)]; strings.Contains(head, `"records"`) {
		return s.batch(r)
	}
	e, err := s.parser.Parse([]byte(r.text))
	if err != nil {
		return false // a line of another program that begins like one
	}
	return s.entry(e, r)
}

// batch reads the entries of a batch.
func (s *Series) batch(r *record) bool {
	in, err := logs.NewReader(strings.NewReader(r.text))
	if err != nil {
		return false
	}
	used := false
	for {
		e, err := in.Next()
		if errors.Is(err, io.EOF) {
			return used
		}
		if err != nil {
			s.Faults++
			return true
		}
		one := record{Moment: r.Moment, lines: 1}
		used = s.entry(e, &one) || used
	}
}

// entry adds the use of a right. Changes of workloads are deployments.
func (s *Series) entry(e *logs.Entry, r *record) bool {
	service, known := services[e.Log]
	if !known || !e.Use() || e.Granted == logs.Undecided {
		return false
	}
	at := r.Moment
	if !e.Time.IsZero() {
		at.Time = e.Time.UTC()
	}
	action, _, _ := strings.Cut(string(e.Action), "|")
	action, _, _ = strings.Cut(action, "+")
	if e.Granted == logs.Granted && service == ResourceManager && deployedAt.MatchString(action) {
		s.deploy(deployment{at, cut(action + " at " + string(e.Scope) + " by " + string(e.Principal))})
		return true
	}
	d := &Denial{Service: service, Causes: []Cause{Unknown}}
	if e.Granted == logs.Refused {
		d = refusedBy(service, r.text)
	}
	d.Operation, d.Resource = action, string(e.Scope)
	d.Caller = Caller{OID: string(e.Principal), AppID: string(e.AppID), Identity: string(e.Host), Name: d.Caller.Name, Issuer: d.Caller.Issuer}
	g := &Group{Denial: d, Granted: e.Granted == logs.Granted, First: at}
	if g.Granted {
		s.Uses++
	} else {
		s.Refusals++
	}
	s.add(g)
	return true
}

// refusedBy is what the text of a refused entry says; an entry mostly tells the status alone.
func refusedBy(service Service, text string) *Denial {
	if d := Parse(text); d.Recognised() && d.Service == service {
		return d
	}
	d := &Denial{Service: service, Code: "403", Status: 403, Causes: []Cause{MissingRole, Propagation, WrongIdentitySelected, ControlPlaneRoleOnly, RecreatedIdentity}}
	d.Proves = append(d.Proves, "the log names the caller and the right that was refused")
	return d
}
