// SPDX-License-Identifier: Apache-2.0

package hygiene_test

import (
	"testing"

	"github.com/mivet/mivet/rules/hygiene"
	"github.com/mivet/mivet/vet/vettest"
)

func TestRules(t *testing.T) { vettest.Run(t, hygiene.Suite()) }
