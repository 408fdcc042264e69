// SPDX-License-Identifier: Apache-2.0

package abac

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestTruth(t *testing.T) {
	all := []Truth{Unknown, False, True}
	// Kleene's tables: AND is the smaller, OR the greater of false < unknown < true.
	rank := map[Truth]int{False: 0, Unknown: 1, True: 2}
	for _, a := range all {
		if a.Not().Not() != a || rank[a.Not()] != 2-rank[a] {
			t.Errorf("NOT %v = %v", a, a.Not())
		}
		for _, b := range all {
			if rank[a.And(b)] != min(rank[a], rank[b]) || rank[a.Or(b)] != max(rank[a], rank[b]) {
				t.Errorf("%v AND %v = %v, OR = %v", a, b, a.And(b), a.Or(b))
			}
		}
	}
	if TruthOf(true) != True || TruthOf(false) != False {
		t.Error("TruthOf")
	}
}

func TestNames(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(Unknown.String()+False.String()+True.String()+Truth(9).String(), "unknownfalsetrueinvalid")
	f(Known.String()+Absent.String()+NotKnown.String()+Presence(9).String(), "knownabsentnot knowninvalid")
	f(KindList.String()+KindGUID.String()+Kind(9).String(), "listGUIDinvalid")
	f(Resource.String()+Environment.String()+Source(0).String()+Source(9).String(), "ResourceEnvironment")
	f(ForAnyOfAllValues.String()+NoQuantifier.String()+Quantifier(9).String(), "ForAnyOfAllValues")
	f(Note.String()+Warning.String()+Error.String()+Severity(9).String(), "notewarningerrorinvalid")
	f(NeedAttribute.String()+NeedSemantics.String()+NeedKind(9).String(), "attributesemanticsinvalid")
	f(Compared.String()+SeveralValues.String()+Reason(99).String(), "comparedseveral values without quantifierinvalid")
	if !Operator("stringequals").Documented() || Operator("TimeOfDay").Documented() {
		t.Error("Documented")
	}
	if _, ok := ParseSource("x"); ok {
		t.Error("ParseSource")
	}
}

func TestValues(t *testing.T) {
	f := func(v Value, kind Kind, size int, text string) {
		t.Helper()
		if v.Kind() != kind || v.Len() != size || v.String() != text {
			t.Errorf("got %v, %d, %s; want %v, %d, %s", v.Kind(), v.Len(), v, kind, size, text)
		}
	}
	f(Value{}, KindList, 0, "{}")
	f(literalValue(Attribute{Source: Request, Name: "a"}), KindList, 0, "{}") // it has none by itself
	f(String("it's"), KindString, 1, `'it\'s'`)
	f(Int(-5), KindInt, 1, "-5")
	f(Bool(true), KindBool, 1, "true")
	f(Bool(false), KindBool, 1, "false")
	f(GUID("B24988AC618042A0AB8820F7382DD24C"), KindGUID, 1, "b24988ac-6180-42a0-ab88-20f7382dd24c")
	f(GUID("/x/B24988AC-6180-42A0-AB88-20F7382DD24C"), KindGUID, 1, "b24988ac-6180-42a0-ab88-20f7382dd24c")
	f(GUID("B24988AC-6180-42A0-AB8820F7382DD-24C"), KindString, 1, "'B24988AC-6180-42A0-AB8820F7382DD-24C'")
	f(GUID("x24988AC618042A0AB8820F7382DD24C"), KindString, 1, "'x24988AC618042A0AB8820F7382DD24C'")
	f(List(Int(1), Strings("a", "b"), Bool(true)), KindList, 4, "{1, 'a', 'b', true}")
	f(Time(time.Unix(0, 199)), KindTime, 1, "'1970-01-01T00:00:00.0000001Z'")
	f(Time(time.Unix(0, -1)), KindTime, 1, "'1969-12-31T23:59:59.9999999Z'")
	f(Time(time.Unix(1<<60, 0)), KindTime, 1, "'9999-12-31T23:59:59.9999999Z'")
	f(Time(time.Unix(-1<<60, 0)), KindTime, 1, "'0000-01-01T00:00:00.0000000Z'")
}

func TestValueOf(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		for _, numbers := range []bool{false, true} {
			d := json.NewDecoder(strings.NewReader(in))
			if numbers {
				d.UseNumber()
			}
			var v any
			if err := d.Decode(&v); err != nil {
				t.Fatal(err)
			}
			got, err := ValueOf(v)
			switch {
			case want == "" && err == nil:
				t.Errorf("ValueOf(%s) = %v, want an error", in, got)
			case want != "" && (err != nil || got.String() != want):
				t.Errorf("ValueOf(%s) = %v, %v, want %s", in, got, err, want)
			}
		}
	}
	f(`"a"`, "'a'")
	f(`true`, "true")
	f(`-7`, "-7")
	f(`["a", 1, [false]]`, "{'a', 1, false}")
	f(`[]`, "{}")
	f(`1.5`, "")
	f(`1e300`, "")
	f(`null`, "")
	f(`{}`, "")
	f(`[1, null]`, "")
	if v, err := ValueOf(json.Number("9223372036854775807")); err != nil || v.String() != "9223372036854775807" {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := ValueOf(float64(1 << 60)); err == nil {
		t.Error("a float64 beyond the whole numbers that it can tell apart is taken")
	}
}
