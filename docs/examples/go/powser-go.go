// Power series as processes, after Doug McIlroy's "Squinting at Power Series" and Go's test/chan/powser1.go. Its twin for
// Sluice is Sources/Examples/InProcess/PowerSeries.swift.
//
//	make example NAME=powser-go     runs this program
//	make example NAME=powser        runs its twin
package main

import "fmt"

type fraction struct{ numerator, denominator int }

func greatestDivisor(a, b int) int {
	if b != 0 {
		return greatestDivisor(b, a%b)
	}
	switch {
	case a == 0:
		return 1
	case a < 0:
		return -a
	default:
		return a
	}
}

func makeFraction(numerator, denominator int) fraction {
	divisor := greatestDivisor(numerator, denominator)
	return fraction{numerator / divisor, denominator / divisor}
}

func (a fraction) plus(b fraction) fraction {
	return makeFraction(a.numerator*b.denominator+b.numerator*a.denominator, a.denominator*b.denominator)
}

func (a fraction) times(b fraction) fraction {
	return makeFraction(a.numerator*b.numerator, a.denominator*b.denominator)
}

func (a fraction) String() string {
	if a.denominator == 1 {
		return fmt.Sprint(a.numerator)
	}
	return fmt.Sprintf("%d/%d", a.numerator, a.denominator)
}

// A series sends a coefficient for each request.
type series struct {
	requests     chan struct{}
	coefficients chan fraction
}

func makeSeries() series { return series{make(chan struct{}), make(chan fraction)} }

func (s series) next() fraction {
	s.requests <- struct{}{}
	return <-s.coefficients
}

// put waits for a request, and answers it.
func (s series) put(coefficient func() fraction) {
	<-s.requests
	s.coefficients <- coefficient()
}

func process(body func(result series)) series {
	result := makeSeries()
	go body(result)
	return result
}

func constant(value fraction) series {
	return process(func(result series) {
		for {
			result.put(func() fraction { return value })
		}
	})
}

func copyAll(source, result series) {
	for {
		result.put(source.next)
	}
}

func sum(left, right series) series {
	return process(func(result series) {
		for {
			result.put(func() fraction { return left.next().plus(right.next()) })
		}
	})
}

func scaled(source series, factor fraction) series {
	return process(func(result series) {
		for {
			result.put(func() fraction { return factor.times(source.next()) })
		}
	})
}

// increased adds to the first coefficient.
func increased(source series, value fraction) series {
	return process(func(result series) {
		result.put(func() fraction { return source.next().plus(value) })
		copyAll(source, result)
	})
}

func integral(source series, first fraction) series {
	return process(func(result series) {
		result.put(func() fraction { return first })
		for power := 1; ; power++ {
			result.put(func() fraction { return source.next().times(makeFraction(1, power)) })
		}
	})
}

// product: with F = f + xF′ and G = g + xG′, FG = fg + x(fG′ + gF′ + xF′G′).
func product(left, right series) series {
	return process(func(result series) {
		<-result.requests
		first, second := left.next(), right.next()
		result.coefficients <- first.times(second)
		left1, left2 := split(left)
		right1, right2 := split(right)
		middle := sum(scaled(right1, first), scaled(left1, second))
		result.put(middle.next)
		copyAll(sum(middle, product(left2, right2)), result)
	})
}

// split makes two series of one. Each may be ahead of the other one by any number of coefficients.
func split(source series) (series, series) {
	left, right := makeSeries(), makeSeries()
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	go divide(source, left, right, turn)
	return left, right
}

// divide gives one coefficient to both results, the first of which may be the only one that wants it for now. Another
// goroutine goes on behind this one with the next coefficient.
func divide(source, left, right series, turn chan struct{}) {
	isTurn := false
	select {
	case <-left.requests:
	case <-right.requests:
		left, right = right, left
	case <-turn:
		isTurn = true
		select {
		case <-left.requests:
		case <-right.requests:
			left, right = right, left
		}
	}
	source.requests <- struct{}{}
	next := make(chan struct{}, 1)
	coefficient := <-source.coefficients
	go divide(source, left, right, next)
	left.coefficients <- coefficient
	if !isTurn {
		<-turn
	}
	right.put(func() fraction { return coefficient })
	next <- struct{}{}
}

func show(name string, s series) {
	fmt.Print(name, ":")
	for i := 0; i < 8; i++ {
		fmt.Print(" ", s.next())
	}
	fmt.Println()
}

func main() {
	one, zero := fraction{1, 1}, fraction{0, 1}
	show("1/(1-x)", constant(one))
	show("2/(1-x)", sum(constant(one), constant(one)))
	show("1/(1-x)^2", product(constant(one), constant(one)))
	show("-log(1-x)", integral(constant(one), zero))

	exp := makeSeries()
	exp1, exp2 := split(exp)
	go copyAll(integral(exp1, one), exp)
	show("exp(x)", exp2)

	// The derivative of tan is 1 + tan².
	tan := makeSeries()
	tan1, tan2 := split(tan)
	tan3, tan4 := split(tan1)
	go copyAll(integral(increased(product(tan3, tan4), one), zero), tan)
	show("tan(x)", tan2)
}
