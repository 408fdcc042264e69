// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// The formats that every command with a result has.
const (
	formatText = "text"
	formatJSON = "json"
	// formatMarkdown is that of reports for pull requests.
	formatMarkdown = "md"
)

// output says where a result goes and in which form.
type output struct {
	format  string
	files   []string
	formats []string // what the command can write, the default first
	// byName says which form a file's name asks for; nil: its ending is the form.
	byName func(file string) (string, bool)
}

// register adds --format and --output to a command.
func (o *output) register(cmd *cobra.Command, formats ...string) {
	o.formats = formats
	f := cmd.Flags()
	f.StringVarP(&o.format, "format", "f", "", "form of the result: "+strings.Join(formats, ", ")+` (default "`+formats[0]+`")`)
	f.StringArrayVarP(&o.files, "output", "o", nil, `write the result to this file, "-" for standard output; may be repeated, the form follows from the ending`)
}

// target is one place for a result.
type target struct{ file, format string }

// targets settles the form of each place: --format decides, else the file's ending, else
// the default.
func (o *output) targets() ([]target, error) {
	if o.format != "" && !slices.Contains(o.formats, o.format) {
		return nil, usagef("format %q is not one of %s", o.format, strings.Join(o.formats, ", "))
	}
	files := o.files
	if len(files) == 0 {
		files = []string{"-"}
	}
	var ts []target
	for _, file := range files {
		t := target{file, o.format}
		if t.format == "" {
			t.format = o.formatOf(file)
		}
		ts = append(ts, t)
	}
	return ts, nil
}

// formatOf is the form that a file's name asks for, or the default.
func (o *output) formatOf(file string) string {
	if o.byName != nil {
		if name, ok := o.byName(file); ok {
			return name
		}
	} else if ext := strings.TrimPrefix(filepath.Ext(file), "."); slices.Contains(o.formats, ext) {
		return ext
	}
	return o.formats[0]
}

// emit writes a result to every place. The render function gets the format and whether
// text is coloured.
func (a *app) emit(o *output, render func(w io.Writer, format string, colour bool) error) error {
	targets, err := o.targets()
	if err != nil {
		return err
	}
	for _, t := range targets {
		if err := a.emitTo(t, render); err != nil {
			return fmt.Errorf("writing the result to %s: %w", streamName(t.file, "standard output"), err)
		}
	}
	return nil
}

func (a *app) emitTo(t target, render func(io.Writer, string, bool) error) error {
	if t.file == "-" {
		return render(a.Stdout, t.format, a.coloured(a.Stdout))
	}
	return writeFile(t.file, func(w io.Writer) error { return render(w, t.format, false) })
}

func streamName(file, stream string) string {
	if file == "-" {
		return stream
	}
	return file
}

// writeFile writes a whole file or leaves the old one as it was. Devices and pipes are
// written to directly. Results name tenants, so a new file is readable by its owner alone.
func writeFile(name string, write func(io.Writer) error) (err error) {
	if info, statErr := os.Stat(name); statErr == nil && !info.Mode().IsRegular() {
		return writeDevice(name, write)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func writeDevice(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

//go:generate sh -c "MIVET_UPDATE=1 go test -run TestSchemas ."

// schemaFolder is where the schemas of all results are published.
const schemaFolder = "https://raw.githubusercontent.com/mivet/mivet/main/docs/schema/"

// schemaURL is the address of the schema of a form of results.
func schemaURL(form string) string { return schemaFolder + form + "-1.schema.json" }

// writeAnswer writes a result for machines, an object whose first member names its schema.
func writeAnswer(w io.Writer, form string, v any) error {
	var b bytes.Buffer
	if err := writeJSON(&b, v); err != nil {
		return err
	}
	text, ok := bytes.CutPrefix(b.Bytes(), []byte("{\n"))
	if !ok {
		return fmt.Errorf("the result %s is no object with members", form)
	}
	_, err := fmt.Fprintf(w, "{\n  \"$schema\": %q,\n%s", schemaURL(form), text)
	return err
}

// writeJSON writes a value for machines: indented, without escaping of "<" and ">".
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// compact returns a JSON text on one line.
func compact(text json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return string(text)
	}
	return b.String()
}

// compactValue returns a value as JSON on one line.
func compactValue(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
