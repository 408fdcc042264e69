// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// Aspect is a part of a workload that somebody can shape.
type Aspect string

// The aspects, in the order in which they are told.
const (
	AspectCode          Aspect = "code"          // what runs: a deployment, a command, an extension
	AspectConfiguration Aspect = "configuration" // the resource and its settings
	AspectContent       Aspect = "content"       // packages, shares and scripts that it loads
	AspectImage         Aspect = "image"         // the image that it is made from
	AspectTemplate      Aspect = "template"      // deployments into its resource group
	AspectIdentity      Aspect = "identity"      // which identities it carries
	AspectPipeline      Aspect = "pipeline"      // the outside party that one of the above trusts
)

// Aspects returns all aspects in their order.
func Aspects() []Aspect {
	return []Aspect{AspectCode, AspectConfiguration, AspectContent, AspectImage, AspectTemplate, AspectIdentity, AspectPipeline}
}

// Shaper is somebody who can shape an aspect of a workload.
type Shaper struct {
	Principal mivet.PrincipalID
	Aspect    Aspect
	// Level is possible where the right is, where a gate was not read, and where the workload
	// takes what is shaped at another time.
	Level Level
	// At is the object of the right: the workload, what it loads, or its resource group.
	At        arm.ID
	Operation arm.Operation
	// Techniques are the ways, the first of them the surest.
	Techniques []string
	// Over is the principal that trusts the outside party, for a pipeline.
	Over mivet.PrincipalID
	// Link says where the workload names what it loads.
	Link *Link
}

// Workloads returns the resources on which code runs with an identity, by their IDs.
func (g *Graph) Workloads() []arm.ID {
	var out []arm.ID
	for i := range g.objects {
		o := &g.objects[i]
		if o.typ == typeOther || len(o.runs) == 0 || o.id.HasType(identityType) {
			continue
		}
		if t := &g.plan.types[o.typ]; t.acts&t.runs != 0 {
			out = append(out, o.id)
		}
	}
	slices.SortFunc(out, func(a, b arm.ID) int { return cmp.Compare(a.String(), b.String()) })
	return out
}

// ShapersOf lists who can shape a workload, by aspect, certain ones first. Groups are told
// by their members. A resource that no technique is about has none.
func (g *Graph) ShapersOf(workload arm.ID) []Shaper {
	k, ok := g.byKey[workload.Key()]
	if !ok || g.objects[k].typ == typeOther {
		return nil
	}
	l := shaperList{g: g, seen: map[shaperKey]int{}}
	o := &g.objects[k]
	l.direct(o)
	for i := range g.links {
		if link := &g.links[i]; link.Workload.Equal(workload) {
			l.content(link)
		}
	}
	l.group(o)
	l.pipelines(workload)
	order := Aspects()
	slices.SortStableFunc(l.out, func(a, b Shaper) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.Aspect), slices.Index(order, b.Aspect)), cmp.Compare(b.Level, a.Level),
			cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.At.String(), b.At.String()),
		)
	})
	return l.out
}

type shaperKey struct {
	who    mivet.PrincipalID
	aspect Aspect
	at     arm.Key
}

type shaperList struct {
	g    *Graph
	out  []Shaper
	seen map[shaperKey]int
}

func (l *shaperList) add(s Shaper) {
	k := shaperKey{s.Principal, s.Aspect, s.At.Key()}
	i, twice := l.seen[k]
	if !twice {
		l.seen[k] = len(l.out)
		l.out = append(l.out, s)
		return
	}
	have := &l.out[i]
	for _, t := range s.Techniques {
		if !slices.Contains(have.Techniques, t) {
			have.Techniques = append(have.Techniques, t)
		}
	}
	if s.Level > have.Level {
		s.Techniques = append(s.Techniques, slices.DeleteFunc(have.Techniques, func(t string) bool { return slices.Contains(s.Techniques, t) })...)
		*have = s
	}
}

// direct are the ways at the workload itself.
func (l *shaperList) direct(o *object) {
	t := &l.g.plan.types[o.typ]
	l.by(o, nil, func(v *variant) (Aspect, bool) {
		return l.g.aspectOf(v, o), v.kind == KindExec && t.runs != 0 && v.row.resultOf(v.way) != ResultConsumers
	})
}

// content are the ways at what the workload loads.
func (l *shaperList) content(link *Link) {
	aspect := AspectContent
	switch link.Kind {
	case LinkImage, LinkMachine:
		aspect = AspectImage
	case LinkSettings, LinkSecret:
		aspect = AspectConfiguration
	case LinkPackage, LinkShare, LinkHost, LinkScript, LinkStorage:
	}
	for id := link.Content; id.Level() == arm.LevelResource; id = id.Parent() {
		if k, ok := l.g.byKey[id.Key()]; ok && l.g.objects[k].typ != typeOther {
			l.by(&l.g.objects[k], link, func(v *variant) (Aspect, bool) {
				return aspect, (v.kind == KindContent || v.kind == KindSupply) && v.row.resultOf(v.way) == ResultConsumers
			})
		}
	}
}

// by adds everybody who has all rights of a way at an object, for the ways that shape
// something.
func (l *shaperList) by(o *object, link *Link, shapes func(*variant) (Aspect, bool)) {
	t := &l.g.plan.types[o.typ]
	l.g.entriesAbove(o, func(i int32) {
		e := &l.g.entries[i]
		possible, certain := l.g.satisfied(e, o, Possible), l.g.satisfied(e, o, Certain)
		for n := range t.variants {
			v := &t.variants[n]
			aspect, does := shapes(v)
			if !does || possible>>n&1 == 0 {
				continue
			}
			s := Shaper{Aspect: aspect, At: o.id, Techniques: []string{v.row.ID}, Link: link}
			if len(v.needs) > 0 {
				s.Operation = l.g.plan.ops[v.needs[0].op].op
			}
			if certain>>n&1 != 0 && v.kind != KindSupply {
				s.Level = Certain
			}
			for _, who := range l.people(e.holder) {
				s.Principal = l.g.principals[who]
				l.add(s)
			}
		}
	})
}

// people are a principal, or the members of a group, and of the groups in it.
func (l *shaperList) people(n int32) []int32 {
	if !l.g.isGroup(l.g.principals[n]) {
		return []int32{n}
	}
	seen := map[int32]bool{n: true}
	var out []int32
	for queue := []int32{n}; len(queue) > 0; queue = queue[1:] {
		if int(queue[0]) >= len(l.g.plainIn) {
			continue
		}
		for _, i := range l.g.plainIn[queue[0]] {
			e := &l.g.plain[i]
			if e.kind != plainMember || seen[e.from] {
				continue
			}
			seen[e.from] = true
			if l.g.isGroup(l.g.principals[e.from]) {
				queue = append(queue, e.from)
				continue
			}
			out = append(out, e.from)
		}
	}
	return out
}

// group are deployments into the resource group, and the attachment of identities: both
// take the right to write the workload beside.
func (l *shaperList) group(o *object) {
	g := l.g
	write, err := arm.ParseOperation(o.id.Type() + "/write")
	if err != nil {
		return
	}
	deploy, err := arm.ParseOperation("Microsoft.Resources/deployments/write")
	if err != nil {
		return
	}
	group := o.id.ResourceGroupID()
	asked := map[mivet.PrincipalID]bool{}
	each := func(p mivet.PrincipalID) {
		n, known := g.numbers[p]
		if !known || asked[p] || g.isGroup(p) {
			return
		}
		asked[p] = true
		held := settled(g.engine.Check(authz.Request{Principal: p, Operation: write, Plane: mivet.PlaneControl, Resource: o.id, At: g.o.At}))
		d := settled(g.engine.Check(authz.Request{Principal: p, Operation: deploy, Plane: mivet.PlaneControl, Resource: group, At: g.o.At}))
		if d = min(d, held); d != no {
			l.add(Shaper{Principal: p, Aspect: AspectTemplate, Level: levelOf(d), At: group, Operation: deploy, Techniques: []string{"ARM-03"}})
		}
		a := min(g.ask(n, g.plan.assign, g.somewhere(n, g.plan.assign)), held)
		if a != no {
			l.add(Shaper{Principal: p, Aspect: AspectIdentity, Level: levelOf(a), At: o.id, Operation: g.plan.ops[g.plan.assign].op, Techniques: []string{"UAMI-02"}})
		}
	}
	for _, s := range slices.Clone(l.out) {
		each(s.Principal)
	}
	for h := range g.engine.WhoCan(authz.WhoCanQuery{Operation: write, Plane: mivet.PlaneControl, Resource: o.id, At: g.o.At}) {
		each(h.Principal)
	}
}

func levelOf(v verdict) Level {
	if v == yes {
		return Certain
	}
	return Possible
}

// pipelines are the outside parties whose tokens those who shape it trust. Who can get such
// a token was not read.
func (l *shaperList) pipelines(workload arm.ID) {
	for _, s := range slices.Clone(l.out) {
		n, ok := l.g.numbers[s.Principal]
		if !ok || int(n) >= len(l.g.plainIn) {
			continue
		}
		for _, i := range l.g.plainIn[n] {
			if e := &l.g.plain[i]; e.kind == plainFederated {
				l.add(Shaper{
					Principal: l.g.principals[e.from], Aspect: AspectPipeline, At: workload,
					Techniques: []string{plainTechnique[plainFederated]}, Over: s.Principal,
				})
			}
		}
	}
}

// aspectOf says what a way at the workload itself shapes, by the names of its rights: what
// writes the resource or its settings is configuration, all else brings code.
func (g *Graph) aspectOf(v *variant, o *object) Aspect {
	own := arm.Fold(o.id.Type() + "/write")
	for _, n := range v.needs {
		name := g.plan.ops[n.op].op.Key()
		if name == own || strings.Contains(string(name), "/config/") || strings.HasSuffix(string(name), "/config/write") {
			return AspectConfiguration
		}
	}
	return AspectCode
}
