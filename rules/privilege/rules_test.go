// SPDX-License-Identifier: Apache-2.0

package privilege_test

import (
	"testing"

	"github.com/mivet/mivet/rules/privilege"
	"github.com/mivet/mivet/vet/vettest"
)

func TestRules(t *testing.T) { vettest.Run(t, privilege.Suite()) }
