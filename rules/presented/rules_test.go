// SPDX-License-Identifier: Apache-2.0

package presented_test

import (
	"testing"

	"github.com/mivet/mivet/rules/presented"
	"github.com/mivet/mivet/vet/vettest"
)

func TestRules(t *testing.T) { vettest.Run(t, presented.Suite()) }
