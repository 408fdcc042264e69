// SPDX-License-Identifier: Apache-2.0

package lab

import (
	_ "embed" // the columns of Resource Graph
	"strings"
	"sync"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/internal/lab/kql"
)

// columnsText lists the columns of the tables of Resource Graph: table, column, type and
// the page that says so.
//
//go:embed columns.tsv
var columnsText string

// A TableColumn is a column of a table of Resource Graph.
type TableColumn struct {
	Table, Name string
	Type        kql.Type
	// Source is the page that says so.
	Source string
}

// Columns lists the columns of the tables that the lab has, table by table.
var Columns = sync.OnceValue(func() []TableColumn {
	types := map[string]kql.Type{"string": kql.String, "dynamic": kql.Dynamic, "long": kql.Long, "bool": kql.Bool, "datetime": kql.Datetime}
	var list []TableColumn
	for line := range strings.Lines(columnsText) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || len(f) != 4 {
			continue
		}
		list = append(list, TableColumn{f[0], f[1], types[f[2]], f[3]})
	}
	return list
})

func columnsOf(table string) []kql.Column {
	var list []kql.Column
	for _, c := range Columns() {
		if c.Table == table {
			list = append(list, kql.Column{Name: c.Name, Type: c.Type})
		}
	}
	return list
}

// row is one row of a table before it is written: the scope that it is at, and its object
// in the form of Resource Manager.
type row struct {
	id arm.ID
	// thing is set for what the world holds; value is then not.
	thing *thing
	// scope is the place that decides whether the row belongs to a subscription or a
	// management group of the query.
	scope arm.ID
	typ   string
	value func() (object, error)
}

// table is what one caller sees of a table of Resource Graph.
type table struct {
	w       *world
	columns []kql.Column
	rows    []row

	mu   sync.Mutex
	last int // the row that was rendered last: queries ask for its columns one after another
	made object
}

// Columns returns the table's columns.
func (t *table) Columns() []kql.Column { return t.columns }

// Len returns the number of rows.
func (t *table) Len() int { return len(t.rows) }

// Value returns a value.
func (t *table) Value(i, column int) any {
	r := &t.rows[i]
	switch t.columns[column].Name {
	case "id":
		return r.id.String()
	case "name":
		if r.thing != nil && r.thing.sub != nil && r.thing.sub.Name != "" {
			return r.thing.sub.Name
		}
		return r.id.Name()
	case "type":
		return strings.ToLower(r.typ)
	case "tenantId":
		return t.w.tenant
	case "subscriptionId":
		return r.scope.SubscriptionID()
	case "resourceGroup":
		if r.typ == graphGroupType { // with the letters of the group itself
			return r.scope.ResourceGroup()
		}
		return strings.ToLower(r.scope.ResourceGroup())
	}
	if r.thing != nil && t.w.raw == nil && t.w.bodies[r.thing.key] == nil {
		return t.w.column(r.thing, t.columns[column].Name)
	}
	v := t.render(i)[t.columns[column].Name]
	if v == nil && t.columns[column].Type == kql.String {
		return ""
	}
	return v
}

// column returns one value of a thing without making the others.
func (w *world) column(t *thing, name string) any {
	if t.typ == subscriptionType {
		o := w.subscriptionRow(t)
		if v, ok := o[name]; ok {
			return v
		}
		return zeroOf(name)
	}
	var d mivet.Detail
	location := ""
	if t.node != nil {
		location = t.node.Location
		if t.node.Detail != nil {
			d = *t.node.Detail
		}
	}
	switch name {
	case "location":
		return location
	case "kind":
		return d.Kind
	case "managedBy":
		return d.ManagedBy.String()
	case "tags":
		if len(d.Tags) > 0 {
			return tagsOf(d.Tags)
		}
	case "identity":
		if t.node != nil {
			if id := w.identity(t); id != nil {
				return id
			}
		}
	case "properties":
		if t.typ == groupType {
			return object{"provisioningState": "Succeeded"}
		}
		return w.properties(t)
	}
	return zeroOf(name)
}

// zeroOf is the value of a column for a row that has none there: texts are never null.
func zeroOf(name string) any {
	switch name {
	case "kind", "location", "managedBy":
		return ""
	}
	return nil
}

func (t *table) render(i int) object {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made == nil || t.last != i {
		r := &t.rows[i]
		value := r.value
		if r.thing != nil {
			value = func() (object, error) { return t.w.graphResource(r.thing) }
		}
		o, err := value()
		if err != nil || o == nil {
			o = object{}
		}
		t.last, t.made = i, o
	}
	return t.made
}
