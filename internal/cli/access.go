// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
)

func (a *app) accessCommand() *cobra.Command {
	var f questionFlags
	cmd := &cobra.Command{
		Use:     "access IDENTITY [INPUT...]",
		Short:   "the matrix of what this identity can do with each resource",
		GroupID: groupQuestions,
		Example: "  mivet access orders-api --in prod.mivet\n" +
			"  mivet access shop-jobs --demo",
		Long: "One line a resource that it can do something with, and one column a sort of operation: reading,\n" +
			"changing and deleting the resource, its other actions, its data, its keys, and granting roles on\n" +
			"it. \"all\" and \"some\" count the published operations of that sort; \"?\" is not known, \"-\" is no.\n" +
			"Alike resources of a group share a line. mivet can and what-can say why.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.access(ctx, &f, args) }),
	}
	f.register(cmd)
	cmd.ValidArgsFunction = a.completeArgs(&f.in, completeIdentity)
	return cmd
}

func (a *app) access(ctx context.Context, f *questionFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	q, err := a.prepare(ctx, f, args[1:], &named{identity: args[0], everything: true})
	if err != nil {
		return exitFailed, err
	}
	m := matrix{questions: q, kinds: map[arm.Key]*operationsOfType{}}
	if m.who, err = q.principal(ctx, args[0]); err != nil {
		return exitFailed, err
	}
	if err := q.complete(m.who, arm.ID{}); err != nil {
		return exitFailed, err
	}
	if err := m.fill(ctx, a.facts.catalog); err != nil {
		return exitFailed, err
	}
	return exitOK, a.emit(&f.out, m.write)
}

// The columns of the matrix.
const (
	columnRead = iota
	columnChange
	columnDelete
	columnActions
	columnData
	columnKeys
	columnGrant
	numberOfColumns
)

var columnNames = [numberOfColumns]string{"read", "change", "delete", "actions", "data", "keys", "grant"}

// matrix is what one identity can do with each resource.
type matrix struct {
	*questions
	who   mivet.PrincipalID
	rows  []matrixRow
	kinds map[arm.Key]*operationsOfType
}

// matrixRow is one resource.
type matrixRow struct {
	Resource arm.ID            `json:"resource"`
	Type     string            `json:"type"`
	Access   map[string]string `json:"access"`

	cells [numberOfColumns]string
}

// operationsOfType are the published operations on a resource type, by column.
type operationsOfType struct {
	columns [numberOfColumns][]asked
}

// asked is an operation on one plane.
type asked struct {
	operation arm.Operation
	plane     mivet.Plane
}

const (
	cellAll     = "all"
	cellSome    = "some"
	cellNone    = "-"
	cellUnknown = "?"
)

// fill answers for every resource.
func (m *matrix) fill(ctx context.Context, cat *catalog.Catalog) error {
	if err := m.collect(cat); err != nil {
		return err
	}
	for i := range m.snap.Resources {
		if i&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		id := m.snap.Resources[i].ID
		row := matrixRow{Resource: id, Type: id.Type(), Access: map[string]string{}}
		holds := false
		for c, operations := range m.kinds[arm.Fold(row.Type)].columns {
			row.cells[c] = m.cell(id, operations)
			holds = holds || row.cells[c] != cellNone
			row.Access[columnNames[c]] = row.cells[c]
		}
		if holds {
			m.rows = append(m.rows, row)
		}
	}
	slices.SortFunc(m.rows, func(a, b matrixRow) int {
		return strings.Compare(string(a.Resource.Key()), string(b.Resource.Key()))
	})
	return nil
}

// collect sorts the published operations of the types that the input has into columns.
func (m *matrix) collect(cat *catalog.Catalog) error {
	grant, err := arm.ParseOperation("Microsoft.Authorization/roleAssignments/write")
	if err != nil {
		return err
	}
	for i := range m.snap.Resources {
		key := arm.Fold(m.snap.Resources[i].ID.Type())
		if m.kinds[key] == nil {
			m.kinds[key] = &operationsOfType{}
			m.kinds[key].columns[columnGrant] = []asked{{grant, mivet.PlaneControl}}
		}
	}
	for i := range cat.NumOperations() {
		op := cat.Operation(i)
		m.sort(op, authz.PlaneOf(cat, op))
	}
	for _, k := range cat.KeyBypasses() {
		m.put(string(arm.Fold(k.ResourceType)), columnKeys, asked{k.Action, mivet.PlaneControl})
	}
	return nil
}

// dataBelow are types below another whose data operations carry the name of the upper one:
// the right to send to a queue is Microsoft.ServiceBus/namespaces/messages/send/action
// (MicrosoftDocs/azure-docs articles/service-bus-messaging/service-bus-managed-service-identity.md,
// articles/event-hubs/authorize-access-azure-active-directory.md, articles/aks/manage-azure-rbac.md).
var dataBelow = map[string][]string{
	"microsoft.servicebus/namespaces": {
		"microsoft.servicebus/namespaces/queues", "microsoft.servicebus/namespaces/topics", "microsoft.servicebus/namespaces/topics/subscriptions",
	},
	"microsoft.eventhub/namespaces": {
		"microsoft.eventhub/namespaces/eventhubs", "microsoft.eventhub/namespaces/eventhubs/consumergroups",
	},
	"microsoft.containerservice/managedclusters": {"microsoft.containerservice/managedclusters/namespaces"},
}

// sort puts an operation into the column of the type that it begins with.
func (m *matrix) sort(op arm.Operation, plane mivet.Plane) {
	key := string(op.Key())
	if plane == mivet.PlaneData {
		// A data operation names types below the resource: it belongs to all that hold it.
		for end := strings.IndexByte(key, '/'); end >= 0 && end < len(key); {
			next := strings.IndexByte(key[end+1:], '/')
			if next < 0 {
				break
			}
			end += next + 1
			m.put(key[:end], columnData, asked{op, plane})
			for _, child := range dataBelow[key[:end]] {
				m.put(child, columnData, asked{op, plane})
			}
		}
		return
	}
	// What no source puts on a plane is asked of Resource Manager, which serves it.
	for suffix, column := range map[string]int{"/read": columnRead, "/write": columnChange, "/delete": columnDelete} {
		if typ, ok := strings.CutSuffix(key, suffix); ok {
			m.put(typ, column, asked{op, mivet.PlaneControl})
			return
		}
	}
	if typ, ok := strings.CutSuffix(key, "/action"); ok {
		if i := strings.LastIndexByte(typ, '/'); i > 0 {
			m.put(typ[:i], columnActions, asked{op, mivet.PlaneControl})
		}
	}
}

// put keeps an operation on a type that the input has. Operations on resource groups name
// the subscription too.
func (m *matrix) put(typ string, column int, a asked) {
	if typ == "microsoft.resources/subscriptions/resourcegroups" {
		typ = "microsoft.resources/resourcegroups"
	}
	if k := m.kinds[arm.Key(typ)]; k != nil {
		k.columns[column] = append(k.columns[column], a)
	}
}

// cell counts what of a column is allowed.
func (m *matrix) cell(id arm.ID, operations []asked) string {
	allowed, unknown := 0, 0
	for _, a := range operations {
		switch m.engine.Check(authz.Request{Principal: m.who, Operation: a.operation, Plane: a.plane, Resource: id, Given: m.given}).Effect {
		case authz.Allowed:
			allowed++
		case authz.Unknown:
			unknown++
		case authz.Denied:
		}
	}
	switch {
	case allowed > 0 && allowed == len(operations):
		return cellAll
	case allowed > 0:
		return cellSome
	case unknown > 0:
		return cellUnknown
	}
	return cellNone
}

// accessJSON is a matrix for machines.
type accessJSON struct {
	SchemaVersion int           `json:"schemaVersion"`
	Principal     principalJSON `json:"principal"`
	At            time.Time     `json:"at"`
	Inputs        []string      `json:"inputs"`
	Resources     []matrixRow   `json:"resources"`
}

func (m *matrix) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		if m.rows == nil {
			m.rows = []matrixRow{}
		}
		return writeAnswer(w, "access", accessJSON{1, m.principalJSON(m.who), m.at, m.snap.Inputs, m.rows})
	}
	p := newPrinter(w, colour)
	p.printf("%s can do something with %s of %d\n", bold(m.title(m.who)), counted(len(m.rows), "resource"), len(m.snap.Resources))
	p.printf("  at     %s\n", m.at.Format(time.RFC3339))
	p.printf("  input  %s\n", strings.Join(m.snap.Inputs, ", "))
	lines := m.lines()
	width := 0
	for _, l := range lines {
		width = max(width, len(l.name))
	}
	group := "\x00"
	for _, l := range lines {
		if l.group != group {
			group = l.group
			m.writeHead(p, group, width)
		}
		p.printf("  %-*s", width, l.name)
		for c, cell := range l.cells {
			p.printf("  %s%*s", paintCell(cell), len(columnNames[c])-len(cell), "")
		}
		p.printf("  %s\n", faint(l.typ))
	}
	if len(lines) > 0 {
		p.printf("\n%s\n", faint(matrixLegend))
	}
	return p.err
}

// matrixLegend explains the matrix to whoever finds it in a file.
const matrixLegend = "read, change, delete: the resource itself; actions: its other operations; data: what is in it;\n" +
	"keys: secrets that open it without an identity; grant: roles on it. all, some: of the published\n" +
	"operations of that sort, conditions and deny assignments counted; ? not known; - none."

func (m *matrix) writeHead(p *printer, group string, width int) {
	p.printf("\n%s\n  %-*s", bold(group), width, "")
	for _, name := range columnNames {
		p.printf("  %s", faint(name))
	}
	p.printf("\n")
}

func paintCell(cell string) painted {
	switch cell {
	case cellAll:
		return red(cell)
	case cellSome, cellUnknown:
		return yellow(cell)
	default:
		return faint(cell)
	}
}

// matrixLine is one line of the text: alike resources of a group.
type matrixLine struct {
	group, name, typ string
	cells            [numberOfColumns]string
}

// maxAlike is how many alike resources of a group are named.
const maxAlike = 2

// lines joins resources of one group and type whose cells are alike.
func (m *matrix) lines() []matrixLine {
	var lines []matrixLine
	count := map[matrixLine]int{}
	index := map[matrixLine]int{}
	for _, r := range m.rows {
		l := matrixLine{group: groupTitle(r.Resource), typ: r.Type, cells: r.cells}
		key := l
		l.name = resourceTitle(r.Resource)
		count[key]++
		if count[key] <= maxAlike {
			index[key] = len(lines)
			lines = append(lines, l)
			continue
		}
		lines[index[key]].name = fmt.Sprintf("and %d more like it", count[key]-maxAlike+1)
	}
	slices.SortStableFunc(lines, func(a, b matrixLine) int { return strings.Compare(a.group, b.group) })
	return lines
}

func groupTitle(id arm.ID) string {
	switch {
	case id.ResourceGroup() != "":
		return "resource group " + id.ResourceGroup()
	case id.SubscriptionID() != "":
		return "subscription " + id.SubscriptionID()
	}
	return "tenant"
}

// resourceTitle is the name of a resource with those that it lies in.
func resourceTitle(id arm.ID) string {
	name := id.Name()
	for p := id.Parent(); p.Level() == arm.LevelResource; p = p.Parent() {
		name = p.Name() + "/" + name
	}
	return name
}
