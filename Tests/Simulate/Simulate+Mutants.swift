import Simulation
import SluiceHub

#if MUTANTS
    extension Simulate {
        static func listMutants() {
            for mutant in Mutant.allCases { print(mutant.rawValue) }
        }

        /// Whether the mutant of that name is noticed. Prints the seed that has shown it, and the rule that it breaks.
        static func tryMutant(_ name: String, _ options: Options) throws -> Bool {
            guard let mutant = Mutant(rawValue: name) else { return false }
            Mutant.become(mutant)
            let column = name + String(repeating: " ", count: max(0, 30 - name.count))
            for seed in options.first..<(options.first + options.count) {
                guard let fault = try Verdict(ofSeed: seed).faults.first else { continue }
                print("killed    \(column) seed \(seed): \(fault.rule): \(fault.text.prefix(90))")
                return true
            }
            print("SURVIVED  \(column) \(options.count) seeds")
            return false
        }
    }
#else
    extension Simulate {
        /// There are none in this build: see `make mutants`.
        static func listMutants() {}
        static func tryMutant(_ name: String, _ options: Options) throws -> Bool { false }
    }
#endif
