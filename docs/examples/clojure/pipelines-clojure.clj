;; The building blocks of core.async: pipelines, a pipeline of work that blocks, split, mult, pub, mix, and reduce. Its twin
;; for Sluice is Sources/Examples/InProcess/Pipelines.swift.
;;
;;     make example NAME=pipelines-clojure      runs this program
;;     make example NAME=pipelines              runs its twin

(require '[clojure.core.async :as async :refer [<!! >!! chan close! to-chan!]])
(require '[clojure.string :as string])

;; Collections as Swift prints them.
(defn show [coll] (str "[" (string/join ", " (map #(if (string? %) (pr-str %) %) coll)) "]"))
(defn all [ch] (show (<!! (async/into [] ch))))

(let [out (chan)]
  (async/pipeline 4 out (map inc) (to-chan! (range 1 6)))
  (println "pipeline:" (all out)))

(let [out (chan)]
  (async/pipeline-blocking 2 out (map #(* % %)) (to-chan! (range 1 6)))
  (println "blocking pipeline:" (all out)))

(let [evens (chan) labelled (chan)]
  (async/pipeline 2 evens (map #(* 2 %)) (to-chan! (range 1 6)))
  (async/pipeline 2 labelled (map #(str "n" %)) evens)
  (println "two pipelines:" (all labelled)))

(let [[even odd] (async/split even? (to-chan! (range 1 7)) 10 10)]
  (println "split:" (all even) (all odd)))

(let [feed (chan)
      news (async/mult feed)
      left (async/tap news (chan 10))
      right (async/tap news (chan 10))]
  (async/onto-chan! feed ["it rains" "it snows"])
  (println "mult:" (all left) (all right)))

(let [articles (chan)
      publication (async/pub articles :topic)
      sports (chan 10)
      weather (chan 10)]
  (async/sub publication "sports" sports)
  (async/sub publication "weather" weather)
  (async/onto-chan! articles [{:topic "sports" :title "a goal"}
                              {:topic "weather" :title "a storm"}
                              {:topic "sports" :title "a record"}])
  (println "pub:"
           (show (map :title (<!! (async/into [] sports))))
           (show (map :title (<!! (async/into [] weather))))))

(let [desk (chan)
      mix (async/mix desk)
      [voice noise] [(chan) (chan)]]
  (async/admix mix voice)
  (async/admix mix noise)
  (async/toggle mix {noise {:mute true}})
  (>!! noise "hiss")
  (async/put! voice "hello")
  (println "mix:" (<!! desk)))

(println "reduce:" (<!! (async/reduce + 0 (to-chan! (range 1 101)))))
(shutdown-agents)
