package doctor

import (
	"encoding/json"
	"fmt"
	"io"

	"tickgate/internal/limits"
)

// Schema is the version of the JSON form. New fields may be added to it; removing one or giving it another meaning makes
// a new version.
const Schema = 1

// document is the JSON form of a report; README.md says what its fields mean.
type document struct {
	Schema   int            `json:"schema"`
	Question questionJSON   `json:"question"`
	Machine  machineJSON    `json:"machine"`
	Fits     bool           `json:"fits"`
	Workers  int            `json:"workers"`
	Clients  int            `json:"clients"`
	Walls    wallsJSON      `json:"walls"`
	Findings []*findingJSON `json:"findings"`
}

type questionJSON struct {
	Conns   int     `json:"conns"`
	For     string  `json:"for"`
	Rate    float64 `json:"rate"`
	Sources int     `json:"sources"`
	Targets int     `json:"targets"`
}

type machineJSON struct {
	Kernel      string  `json:"kernel"`
	CPUs        float64 `json:"cpus"`
	MemoryBytes int64   `json:"memory_bytes"`
}

type wallsJSON struct {
	First   *wallJSON `json:"first"`
	Process *wallJSON `json:"process"`
	Machine *wallJSON `json:"machine"`
	Pace    *wallJSON `json:"pace"`
}

type wallJSON struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Conns int    `json:"conns"`
}

type findingJSON struct {
	Name   string     `json:"name"`
	State  State      `json:"state"`
	Now    amountJSON `json:"now"`
	Need   amountJSON `json:"need"`
	Conns  *int       `json:"conns"`
	Why    string     `json:"why"`
	Breaks string     `json:"breaks"`
	Change string     `json:"change"`
	Undo   string     `json:"undo"`
	Myth   string     `json:"myth"`
}

type amountJSON struct {
	Value *int64 `json:"value"`
	Unit  string `json:"unit"`
	Text  string `json:"text"`
}

// WriteJSON writes the report as one indented JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	q := r.Question
	d := document{
		Schema:   Schema,
		Question: questionJSON{Conns: q.Conns, For: roles[q.Role], Rate: q.Rate, Sources: q.Sources, Targets: max(1, q.Targets)},
		Machine:  machineJSON{Kernel: r.Kernel, CPUs: r.CPUs, MemoryBytes: r.Room},
		Fits:     r.Fits, Workers: r.Fit.Workers, Clients: r.Fit.Clients,
		Walls: wallsJSON{First: r.First.json(), Process: r.Process.json(), Machine: r.Machine.json(), Pace: r.Pace.json()},
	}
	for _, f := range r.Findings {
		d.Findings = append(d.Findings, f.json())
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // commands hold && and >
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (w Wall) json() *wallJSON {
	if w.Name == "" {
		return nil
	}
	return &wallJSON{Name: w.Name, Kind: w.Kind.String(), Conns: w.Holds}
}

func (f Finding) json() *findingJSON {
	j := &findingJSON{
		Name: f.Name, State: f.State, Now: f.Now.json(), Need: f.Need.json(),
		Why: f.Why, Breaks: f.Breaks, Change: f.Change, Undo: f.Undo, Myth: f.Myth,
	}
	if f.Holds < unbounded {
		j.Conns = &f.Holds
	}
	return j
}

func (a Amount) json() amountJSON {
	j := amountJSON{Unit: a.Unit, Text: a.Text}
	if a.Unit != "" && a.Value != limits.Unlimited {
		j.Value = &a.Value
	}
	return j
}
