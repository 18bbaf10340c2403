package lab

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scalar is a value as it is written on a command line or into a file of /proc: YAML's numbers and booleans count as text.
type Scalar string

// UnmarshalYAML takes a string, a number or a boolean.
func (s *Scalar) UnmarshalYAML(decode func(any) error) error {
	var value any
	if err := decode(&value); err != nil {
		return err
	}
	text, err := scalarText(value)
	*s = Scalar(text)
	return err
}

func scalarText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("got %v, want a single string, number or boolean", value)
}

// Flags are flags of a program by name, without dashes. A flag given several times has several values.
type Flags map[string][]string

// UnmarshalYAML takes a mapping of names to a value, or to a list of values for a flag that is repeated.
func (f *Flags) UnmarshalYAML(decode func(any) error) error {
	var raw map[string]any
	if err := decode(&raw); err != nil {
		return err
	}
	*f = Flags{}
	for name, value := range raw {
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, item := range list {
			text, err := scalarText(item)
			if err != nil {
				return fmt.Errorf("flag %s: %w", name, err)
			}
			(*f)[name] = append((*f)[name], text)
		}
	}
	return nil
}

// Args returns the flags as arguments, sorted by name. A flag that is true has no value.
func (f Flags) Args() []string {
	var args []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		for _, value := range f[name] {
			if value == "true" {
				args = append(args, "--"+name)
			} else {
				args = append(args, "--"+name+"="+value)
			}
		}
	}
	return args
}

// Int returns the value of a flag that is a whole number, or 0 if it was not given or is not one.
func (f Flags) Int(name string) int {
	if values := f[name]; len(values) == 1 {
		n, _ := strconv.Atoi(values[0])
		return n
	}
	return 0
}

// Duration is a time.Duration written as in Go: 500ms, 10s, 2m.
type Duration time.Duration

// UnmarshalYAML takes a string such as 10s.
func (d *Duration) UnmarshalYAML(decode func(any) error) error {
	var text Scalar
	if err := decode(&text); err != nil {
		return err
	}
	value, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("got %q, want a duration such as 500ms or 10s", text)
	}
	*d = Duration(value)
	return nil
}

// String writes the duration as it is read.
func (d Duration) String() string { return time.Duration(d).String() }

// Number is a float64 that YAML may also write as an integer or, like 1e6, in a way that it takes for text.
type Number float64

// UnmarshalYAML takes any number.
func (n *Number) UnmarshalYAML(decode func(any) error) error {
	var text Scalar
	if err := decode(&text); err != nil {
		return err
	}
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return fmt.Errorf("got %q, want a number", text)
	}
	*n = Number(value)
	return nil
}

// Threshold is a smallest effect of interest: a share of the baseline, or a difference in the metric's unit.
type Threshold struct {
	Share    float64 `json:"share,omitempty"` // 0.05 for 5 %
	Absolute float64 `json:"absolute,omitempty"`
}

// UnmarshalYAML takes a percentage such as 5% or a number.
func (t *Threshold) UnmarshalYAML(decode func(any) error) error {
	var text Scalar
	if err := decode(&text); err != nil {
		return err
	}
	number, isShare := strings.CutSuffix(string(text), "%")
	value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || value <= 0 {
		return fmt.Errorf("got %q, want a positive percentage such as 5%% or a difference in the metric's unit", text)
	}
	if isShare {
		t.Share = value / 100
	} else {
		t.Absolute = value
	}
	return nil
}
